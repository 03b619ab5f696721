-- Shared by every script: what begins a campaign's course, holds it back, and breaks it off.

-- Sets the cost of everything still to be sent aside, or holds the campaign.
local function reserve(id)
  local record = key(K.campaign, id)
  local need = ready_cost(id)
  if need > 0 and available() < need then return hold_for_credits(id) end
  account_add('reserved', need)
  redis.call('HSET', record, 'reserved', 1)
  redis.call('HDEL', record, 'need', 'have')
  if redis.call('HSETNX', record, 'queued_to_send', 1) == 1 then
    for n = 0, tonumber(redis.call('HGET', record, 'batches')) - 1 do
      if redis.call('HGET', key(K.batch, id, n), 'state') == B.ready then
        redis.call('ZADD', key(K.waiting, id), 0, n)
      end
    end
  end
  emit(id, 'reservation', '', need)
  move(id, C.sending)
  progress(id)
end

-- What follows the last quote, and a hold after it.
local function on_quoted(id)
  local f = redis.call('HMGET', key(K.campaign, id), 'needs_approval', 'approved_by')
  if f[1] == '1' and not f[2] then return hold(id, H.approval) end
  local handover = number(redis.call('HGET', key(K.campaign, id), 'handover_at'))
  if handover <= now then return reserve(id) end
  hold(id, H.time)
  redis.call('ZADD', key(K.alarm_clock), handover, id)
end

local function is_quoted(id)
  local f = redis.call('HMGET', key(K.campaign, id), 'quoted', 'batches')
  return number(f[2]) > 0 and number(f[1]) == number(f[2])
end

-- Makes recipients that were uploaded the campaign's, each waiting in its batch. `starts` has
-- the batches' first positions when their sizes differ, else ''.
local function fill(id, upload, batches, recipients, starts)
  local record = key(K.campaign, id)
  redis.call('RENAME', key(K.upload, upload), key(K.recipients, id))
  redis.call('PERSIST', key(K.recipients, id))
  if starts ~= '' then redis.call('SET', key(K.starts, id), starts) end
  local first = account_add('sequence', recipients) - recipients
  redis.call('ZADD', key(K.ranges), first, id)
  redis.call('SETRANGE', key(K.fates, id), recipients - 1, '\0')
  redis.call('SETRANGE', key(K.times, id), recipients * 4 - 1, '\0')
  for n = 0, batches - 1 do redis.call('ZADD', key(K.waiting, id), 0, n) end
  redis.call('HSET', record, 'first', first, 'batches', batches, 'recipients', recipients,
    'b:' .. B.ready, recipients)
  add_batches(id, B.ready, batches)
end

-- Takes back what the API has of a campaign and has not sent yet.
local function withdraw_scheduled(id)
  if number(redis.call('HGET', key(K.campaign, id), 'batches:' .. B.scheduled)) == 0 then return end
  for n = 0, tonumber(redis.call('HGET', key(K.campaign, id), 'batches')) - 1 do
    if redis.call('HGET', key(K.batch, id, n), 'state') == B.scheduled then move_batch(id, n, B.withdrawing) end
  end
end

-- Ends what was not claimed, and with it the campaign unless something of it is on its way.
local function stop_ready(id, to)
  local record = key(K.campaign, id)
  release_ready(id)
  end_ready(id, to)
  redis.call('HSET', record, 'cost_ready', 0)
  redis.call('UNLINK', key(K.waiting, id))
  local f = redis.call('HMGET', record, 'batches:' .. B.sending, 'batches:' .. B.unknown,
    'batches:' .. B.withdrawing)
  return number(f[1]) + number(f[2]) + number(f[3]) == 0
end

-- Lets nothing of a campaign begin whose time is over.
local function expire(id)
  local f = redis.call('HMGET', key(K.campaign, id), 'state', 'hold')
  local state = f[1]
  redis.call('ZREM', key(K.deadlines), id)
  if f[2] == H.outcome_unknown then return end
  local is_before_sending = state == C.queued or state == C.quoting
  if not (is_before_sending or state == C.sending or state == C.held) then return end
  local is_settled = stop_ready(id, B.expired)
  if is_before_sending then return move(id, C.expired) end
  if is_settled then
    conclude(id)
  elseif f[2] == H.paused then
    -- Only the pause has what is on its way for later taken back when its answer comes.
    redis.call('ZADD', key(K.deadlines), now + EXPIRY_PAUSE_MS, id)
    return
  elseif state == C.held then
    move(id, C.sending)
  end
  redis.call('ZREM', key(K.deadlines), id)
  progress(id)
end

-- Puts a claimed batch that was certainly not posted back among those to be sent. Tells whether its
-- campaign goes on; what is being cancelled ends here.
local function give_back(id, n, quote, why, pause)
  local record = key(K.campaign, id)
  free_slot(id, n)
  redis.call('HINCRBY', record, 'cost_exposed', minus(quote))
  redis.call('HINCRBY', record, 'cost_ready', quote)
  account_add('exposed', minus(quote))
  if redis.call('HGET', record, 'reserved') ~= '1' then account_add('reserved', minus(quote)) end
  move_batch(id, n, B.ready, why)
  redis.call('ZADD', key(K.waiting, id), now + pause, n)
  if redis.call('HGET', record, 'state') ~= C.cancelling then return true end
  stop_ready(id, B.cancelled)
  return false
end

-- Lets a campaign go on that was held for unknown outcomes only, once there is something to send.
local function go_on(id)
  if redis.call('HGET', key(K.campaign, id), 'hold') ~= H.outcome_unknown then return end
  release_ready(id)
  reserve(id)
end

-- Ends a batch that waits to be sent, and gives back what was set aside for it.
local function drop_ready(id, n, quote, to, why)
  local record = key(K.campaign, id)
  if redis.call('HGET', record, 'reserved') == '1' then account_add('reserved', minus(quote)) end
  redis.call('HINCRBY', record, 'cost_ready', minus(quote))
  redis.call('ZREM', key(K.waiting, id), n)
  move_batch(id, n, to, why)
end

local function is_full()
  local memory = redis.call('INFO', 'memory')
  local limit = tonumber(string.match(memory, 'maxmemory:(%d+)'))
  return limit > 0 and tonumber(string.match(memory, 'used_memory:(%d+)')) > limit * FULL_AT
end
