-- Shared by every script: how campaigns, batches and recipients move from state to state.

-- Lists a held campaign among those a credit check may release.
local function watch_hold(id, reason)
  if reason == H.credits or reason == H.credentials then redis.call('ZADD', key(K.held), 'NX', now, id) end
end

-- Lists a campaign among those that expire, while something of it may still be to be sent.
local function watch_deadline(id, state, reason)
  local latest = number(redis.call('HGET', key(K.campaign, id), 'latest'))
  local may_send = state == C.quoting or state == C.sending or state == C.held
  if latest > 0 and may_send and reason ~= H.outcome_unknown then
    redis.call('ZADD', key(K.deadlines), latest, id)
  else
    redis.call('ZREM', key(K.deadlines), id)
  end
end

-- Tells whether lists were made at the API for a campaign that asks to have them emptied.
local function has_lists_to_clean(id)
  if redis.call('HGET', key(K.campaign, id), 'clean_lists') ~= '1' then return false end
  local first = redis.call('HGET', key(K.lists, id), 0) or ''
  return redis.call('EXISTS', key(K.lists, id)) == 1 and not string.match(first, '^given:')
end

-- Moves a campaign and keeps the indexes in step with its state.
local function move(id, to, reason)
  local record = key(K.campaign, id)
  local from = redis.call('HGET', record, 'state')
  if not (CAMPAIGN_MOVES[from] and CAMPAIGN_MOVES[from][to]) then
    error('campaign cannot move from ' .. tostring(from) .. ' to ' .. to)
  end
  redis.call('HSET', record, 'state', to, 'hold', to == C.held and reason or '', 'changed_at', now)
  redis.call('ZREM', key(K.held), id)
  redis.call('ZREM', key(K.agenda), id)
  redis.call('ZREM', key(K.alarm_clock), id)
  stand(id, to, reason)
  redis.call('ZREM', key(K.turns), id)
  watch_deadline(id, to, reason)
  if to == C.held then
    watch_hold(id, reason)
  elseif to == C.quoting or to == C.sending then
    look_again(id, now + number(redis.call('HGET', record, 'nudge_after')))
  elseif to == C.sent then
    look_again(id, now + number(redis.call('HGET', record, 'receipt_wait')))
  elseif TERMINAL[to] then
    redis.call('ZADD', key(K.over), now, id)
    if has_lists_to_clean(id) then redis.call('ZADD', key(K.cleanup), now + CLEAN_AFTER_MS, id) end
  end
  emit(id, 'campaign', from, to, reason)
  announce(id, to == C.held and E.hold or E.campaign, { from = from, to = to, reason = reason })
end

-- Gives one recipient a fate byte of its own; it no longer follows its batch's counter.
local function set_fate(id, n, position, byte)
  local record = key(K.campaign, id)
  local batch = key(K.batch, id, n)
  local state = redis.call('HGET', batch, 'state') or B.ready
  redis.call('SETRANGE', key(K.fates, id), position, string.char(byte))
  redis.call('HINCRBY', record, 'b:' .. state, -1)
  redis.call('HINCRBY', record, 'f:' .. byte, 1)
  redis.call('HINCRBY', batch, 'left', -1)
end

-- Leaves people out who were erased while nobody knew whether their batch had been sent.
local function leave_out_forgotten(id, n)
  local batch = key(K.batch, id, n)
  local places = redis.call('HGET', batch, 'forgotten')
  if not places then return end
  local first = span(id, n)
  redis.call('HDEL', batch, 'forgotten')
  for place in string.gmatch(places, '%d+') do
    local position = first + tonumber(place)
    if redis.call('GETRANGE', key(K.fates, id), position, position) == '\0' then
      redis.call('HSET', batch, 'is_cut', 1)
      set_fate(id, n, position, FORGOTTEN)
    end
  end
end

-- Moves a batch; `left` recipients follow it from one counter to the other.
local function move_batch(id, n, to, detail)
  local record, batch = key(K.campaign, id), key(K.batch, id, n)
  local now_in = redis.call('HMGET', batch, 'state', 'left', 'op', 'quote')
  local from, left = now_in[1], number(now_in[2])
  if not (BATCH_MOVES[from] and BATCH_MOVES[from][to]) then
    error('batch cannot move from ' .. tostring(from) .. ' to ' .. to)
  end
  redis.call('HSET', batch, 'state', to, 'changed_at', now)
  shift_batches(id, from, to, 1)
  redis.call('HINCRBY', record, 'b:' .. from, minus(left))
  redis.call('HINCRBY', record, 'b:' .. to, left)
  local name = id .. '/' .. n
  if from == B.sending then
    redis.call('ZREM', key(K.inflight), name)
    redis.call('HDEL', batch, 'reading')
    if now_in[3] then
      redis.call('HDEL', key(K.claims), now_in[3])
      redis.call('ZADD', key(K.ended), 'NX', now, now_in[3])
    end
    end_probe(name, to)
  end
  if to == B.sending and redis.call('HEXISTS', key(K.lists, id), n) == 1 then
    redis.call('SADD', key(K.unanswered), name)
  elseif to ~= B.unknown then
    redis.call('SREM', key(K.unanswered), name)
  end
  count_unknown(id, n, name, from, to, number(now_in[4]))
  redis.call('ZREM', key(K.due), name)
  redis.call('ZREM', key(K.withdrawals), name)
  if to == B.withdrawing then redis.call('ZADD', key(K.withdrawals), now, name) end
  if to == B.accepted then
    local due = number(redis.call('HGET', batch, 'due_at'))
    if due > 0 then redis.call('HSET', batch, 'settled_at', math.min(due, now)) end
  end
  if to == B.ready then leave_out_forgotten(id, n) end
  emit(id, 'batch ' .. n, from, to, detail)
  announce(id, E.batch, { batch = n, from = from, to = to, reason = detail })
end
