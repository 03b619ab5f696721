-- Shared by every script: what follows when nothing is left to do.

-- Recipients in accepted batches for whom no final receipt came.
local function awaited(id)
  local sum = 0
  for _, value in ipairs(redis.call('HMGET', key(K.campaign, id), unpack(AWAITED_FIELDS))) do
    sum = sum + number(value)
  end
  return sum
end

-- A campaign that does not add up stays, and somebody is told.
local function finish(id)
  local gap = gap_of(id)
  if not gap then
    redis.call('HDEL', key(K.campaign, id), 'gap')
    return move(id, C.finished)
  end
  if redis.call('HGET', key(K.campaign, id), 'gap') ~= gap then
    redis.call('HSET', key(K.campaign, id), 'gap', gap)
    alarm(id, '', gap)
  end
  look_again(id, now + 60000)
end

-- Moves a campaign on of which nothing waits to be sent or answered.
local function conclude(id)
  local f = redis.call('HMGET', key(K.campaign, id), 'batches:' .. B.scheduled, 'batches:' .. B.accepted,
    'batches:' .. B.doubtful, 'batches:' .. B.refused, 'batches:' .. B.cancelled, 'batches:' .. B.expired,
    'cancel', 'batches:' .. B.abandoned, 'batches')
  release_ready(id)
  if number(f[1]) > 0 then return move(id, C.scheduled) end
  if number(f[2]) + number(f[3]) + number(f[8]) > 0 then return move(id, C.sent) end
  if number(f[5]) > 0 then return move(id, C.cancelled) end
  if number(f[6]) > 0 then return move(id, C.expired) end
  if number(f[4]) > 0 then return move(id, C.rejected) end
  if f[7] then return move(id, C.cancelled) end
  -- One over lists whose contacts were never read has no batches.
  move(id, number(f[9]) == 0 and C.expired or C.sent)
end

-- Holds a campaign of which nothing is on its way and the next batch waits for its window to open.
local function hold_until_open(id)
  local n = redis.call('ZRANGE', key(K.waiting, id), 0, 0)[1]
  local opens = n and number(redis.call('HGET', key(K.batch, id, n), 'opens_at')) or 0
  if opens <= now then return end
  hold(id, H.window)
  redis.call('ZADD', key(K.alarm_clock), opens, id)
end

-- Moves the campaign on when the last of its batches is settled, and finishes it with the
-- last receipt. Called after anything that settles a batch or a recipient.
local function progress(id)
  local record = key(K.campaign, id)
  local f = redis.call('HMGET', record, 'state', 'hold', 'batches:' .. B.ready, 'batches:' .. B.sending,
    'batches:' .. B.unknown, 'batches:' .. B.withdrawing, 'batches:' .. B.scheduled)
  local state = f[1]
  local on_their_way = number(f[4]) + number(f[6])
  local is_open = number(f[3]) + on_their_way > 0
  if state == C.sending or (state == C.held and f[2] == H.outcome_unknown) then
    if is_open and state == C.sending and on_their_way == 0 then hold_until_open(id) end
    if is_open then return end
    if number(f[5]) > 0 then
      if state == C.sending then move(id, C.held, H.outcome_unknown) end
      return
    end
    conclude(id)
  elseif state == C.cancelling then
    if is_open or number(f[5]) > 0 then return end
    conclude(id)
  elseif state == C.scheduled and number(f[7]) == 0 then
    conclude(id)
  end
  if redis.call('HGET', record, 'state') == C.sent and awaited(id) == 0 then finish(id) end
end

-- Counts credits as debited; `cost` may correct an earlier figure and be negative.
local function spend(id, cost)
  if cost == 0 then return end
  redis.call('HINCRBY', key(K.campaign, id), 'cost', cost)
  account_add('spent', cost)
  if redis.call('HEXISTS', ACCOUNT, 'balance') == 1 then account_add('balance', minus(cost)) end
end
