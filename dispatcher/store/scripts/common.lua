-- Shared by every script. KEYS[1] is the account's hash; all other keys share its slot.
local P = string.sub(KEYS[1], 1, -string.len(K.account) - 1)
local ACCOUNT = KEYS[1]

local now = now_ms()

local function key(family, id, n)
  if n then return P .. family .. id .. ':' .. n end
  return P .. family .. (id or '')
end

-- Negates without making -0, which Redis 7 writes as "-0" and then does not take for a number.
local function minus(amount) return 0 - amount end

local function number(value) return tonumber(value) or 0 end

local function emit(id, what, from, to, detail)
  redis.call('XADD', key(K.events, id), 'MAXLEN', '~', 20000, '*',
    'at', now, 'what', what, 'from', from, 'to', to, 'detail', detail or '')
end

local function alarm(id, n, what)
  redis.call('XADD', key(K.alarms), 'MAXLEN', '~', 10000, '*', 'at', now, 'campaign', id, 'batch', n, 'what', what)
  if redis.call('EXISTS', key(K.campaign, id)) == 1 then redis.call('HINCRBY', key(K.campaign, id), 'alarms', 1) end
end

local function look_again(id, at) redis.call('ZADD', key(K.agenda), at, id) end

-- Lists a held campaign among those a credit check may release.
local function watch_hold(id, reason)
  if reason == H.credits or reason == H.credentials then redis.call('ZADD', key(K.held), 'NX', now, id) end
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
  if to == C.held then
    watch_hold(id, reason)
  elseif to == C.quoting or to == C.sending then
    look_again(id, now + number(redis.call('HGET', record, 'nudge_after')))
  elseif to == C.sent then
    look_again(id, now + number(redis.call('HGET', record, 'receipt_wait')))
  end
  emit(id, 'campaign', from, to, reason)
end

-- Moves a batch; `left` recipients follow it from one counter to the other.
local function move_batch(id, n, to, detail)
  local record, batch = key(K.campaign, id), key(K.batch, id, n)
  local now_in = redis.call('HMGET', batch, 'state', 'left', 'op')
  local from, left = now_in[1], number(now_in[2])
  if not (BATCH_MOVES[from] and BATCH_MOVES[from][to]) then
    error('batch cannot move from ' .. tostring(from) .. ' to ' .. to)
  end
  redis.call('HSET', batch, 'state', to, 'changed_at', now)
  redis.call('HINCRBY', record, 'batches:' .. from, -1)
  redis.call('HINCRBY', record, 'batches:' .. to, 1)
  redis.call('HINCRBY', record, 'b:' .. from, minus(left))
  redis.call('HINCRBY', record, 'b:' .. to, left)
  local name = id .. '/' .. n
  if from == B.sending then
    redis.call('ZREM', key(K.inflight), name)
    if now_in[3] then
      redis.call('HDEL', key(K.claims), now_in[3])
      redis.call('ZADD', key(K.ended), 'NX', now, now_in[3])
    end
  end
  redis.call('ZREM', key(K.unknown), name)
  if to == B.unknown then redis.call('ZADD', key(K.unknown), now, name) end
  emit(id, 'batch ' .. n, from, to, detail)
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

-- Money. `reserved` is what campaigns have set aside, `exposed` the part of it that is in
-- POSTs whose outcome is not recorded.

local function account_add(field, amount) return redis.call('HINCRBY', ACCOUNT, field, amount) end

-- Takes a balance the API told. `spent_then` is `spent` as it was before asking: what was
-- recorded since may or may not be in the figure, so it is taken off (never too much is promised).
local function observe(credits, spent_then)
  if credits == '' then return end
  local account = redis.call('HMGET', ACCOUNT, 'balance', 'spent', 'exposed')
  local floor = number(credits) - (number(account[2]) - number(spent_then))
  local known = tonumber(account[1])
  if known and floor <= known and floor >= known - number(account[3]) then return end
  redis.call('HSET', ACCOUNT, 'balance', floor, 'balance_at', now)
end

local function available()
  local account = redis.call('HMGET', ACCOUNT, 'balance', 'reserved')
  return number(account[1]) - number(account[2])
end

local function ready_cost(id) return number(redis.call('HGET', key(K.campaign, id), 'cost_ready')) end

local function release_ready(id)
  local record = key(K.campaign, id)
  if redis.call('HGET', record, 'reserved') == '1' then
    account_add('reserved', minus(ready_cost(id)))
    redis.call('HSET', record, 'reserved', 0)
  end
end

local function hold(id, reason)
  release_ready(id)
  local record = key(K.campaign, id)
  if redis.call('HGET', record, 'state') == C.held then
    redis.call('HSET', record, 'hold', reason)
    watch_hold(id, reason)
  else
    move(id, C.held, reason)
  end
end

local function hold_for_credits(id)
  redis.call('HSET', key(K.campaign, id), 'need', ready_cost(id), 'have', available())
  hold(id, H.credits)
end

local function check_conservation(id)
  local all = redis.call('HGETALL', key(K.campaign, id))
  local field, sum = {}, 0
  for i = 1, #all, 2 do
    local name, value = all[i], all[i + 1]
    field[name] = value
    if string.match(name, '^[bf]:') then sum = sum + number(value) end
  end
  local kept = number(field.recipients)
  return sum == kept and kept + number(field.invalid) + number(field.duplicated) == number(field.rows)
end

-- Recipients in accepted batches for whom no final receipt came.
local function awaited(id)
  local sum = 0
  for _, value in ipairs(redis.call('HMGET', key(K.campaign, id), unpack(AWAITED_FIELDS))) do
    sum = sum + number(value)
  end
  return sum
end

local function finish(id)
  if check_conservation(id) then
    move(id, C.finished)
  else
    if redis.call('HSETNX', key(K.campaign, id), 'gap', 1) == 1 then alarm(id, '', 'rows in and fates do not add up') end
    look_again(id, now + 60000)
  end
end

-- Moves the campaign on when the last of its batches is settled, and finishes it with the
-- last receipt. Called after anything that settles a batch or a recipient.
local function progress(id)
  local record = key(K.campaign, id)
  local f = redis.call('HMGET', record, 'state', 'hold', 'batches:' .. B.ready, 'batches:' .. B.sending,
    'batches:' .. B.unknown, 'batches:' .. B.accepted, 'batches:' .. B.refused)
  local state = f[1]
  if state == C.sending or (state == C.held and f[2] == H.outcome_unknown) then
    if number(f[3]) > 0 or number(f[4]) > 0 then return end
    if number(f[5]) > 0 then
      if state == C.sending then move(id, C.held, H.outcome_unknown) end
      return
    end
    release_ready(id)
    if number(f[6]) == 0 and number(f[7]) > 0 then return move(id, C.rejected) end
    move(id, C.sent)
    state = C.sent
  end
  if state == C.sent and awaited(id) == 0 then finish(id) end
end

-- Counts credits as debited; `cost` may correct an earlier figure and be negative.
local function spend(id, cost)
  if cost == 0 then return end
  redis.call('HINCRBY', key(K.campaign, id), 'cost', cost)
  account_add('spent', cost)
  if redis.call('HEXISTS', ACCOUNT, 'balance') == 1 then account_add('balance', minus(cost)) end
end

-- Ends everything that was not claimed, together with its campaign. Batches without a quote have
-- no record of their own yet and need none.
local function end_ready(id, to)
  local record = key(K.campaign, id)
  local f = redis.call('HMGET', record, 'b:' .. B.ready, 'batches:' .. B.ready, 'batches')
  redis.call('HINCRBY', record, 'b:' .. B.ready, minus(number(f[1])))
  redis.call('HINCRBY', record, 'b:' .. to, number(f[1]))
  redis.call('HINCRBY', record, 'batches:' .. B.ready, minus(number(f[2])))
  redis.call('HINCRBY', record, 'batches:' .. to, number(f[2]))
  for n = 0, number(f[3]) - 1 do
    local batch = key(K.batch, id, n)
    if redis.call('HGET', batch, 'state') == B.ready then redis.call('HSET', batch, 'state', to) end
  end
end

-- Settles what a batch's claim had put at stake.
local function settle_money(id, quote, cost)
  local record = key(K.campaign, id)
  redis.call('HINCRBY', record, 'cost_exposed', minus(quote))
  account_add('exposed', minus(quote))
  account_add('reserved', minus(quote))
  spend(id, cost)
end

-- Takes a proof that the API has the batch: a reply with a ticket, or a receipt of ours.
local function accept(id, n, ticket, cost, by)
  local batch = key(K.batch, id, n)
  local had = redis.call('HMGET', batch, 'state', 'quote', 'ticket', 'cost')
  local state, quote = had[1], number(had[2])
  if state == B.empty then return alarm(id, n, 'proof that a batch was sent which had nobody in it') end
  if state == B.accepted then
    if had[3] == '' then
      redis.call('HSET', batch, 'ticket', ticket)
    elseif had[3] ~= ticket and ticket ~= '' then
      alarm(id, n, 'a second ticket: the batch was accepted twice')
    end
    local drift = tonumber(cost) and tonumber(cost) - number(had[4]) or 0
    if drift ~= 0 then
      redis.call('HSET', batch, 'cost', cost)
      spend(id, drift)
    end
    return
  end
  local real = tonumber(cost) or quote
  if state == B.sending or state == B.unknown then
    settle_money(id, quote, real)
  else
    alarm(id, n, 'proof that a batch was sent which we held for ' .. state)
    if state == B.ready then
      redis.call('ZREM', key(K.waiting, id), n)
      if redis.call('HGET', key(K.campaign, id), 'reserved') == '1' then account_add('reserved', minus(quote)) end
      redis.call('HINCRBY', key(K.campaign, id), 'cost_ready', minus(quote))
    end
    spend(id, real)
  end
  redis.call('HSET', batch, 'ticket', ticket, 'cost', real, 'settled_by', by, 'settled_at', now)
  move_batch(id, n, B.accepted, by)
end

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
  reserve(id)
end

local function is_quoted(id)
  local f = redis.call('HMGET', key(K.campaign, id), 'quoted', 'batches')
  return number(f[1]) == number(f[2])
end
