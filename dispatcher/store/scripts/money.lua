-- Shared by every script: money. `reserved` is what campaigns have set aside, `exposed` the part of
-- it that is in POSTs whose outcome is not recorded.

local function account_add(field, amount) return redis.call('HINCRBY', ACCOUNT, field, amount) end

-- Takes a balance the API told. `spent_then` is `spent` as it was before asking: what was
-- recorded since may or may not be in the figure, so it is taken off (never too much is promised).
local function observe(credits, spent_then)
  if credits == '' then return end
  -- More than the last reading of the books leaves: somebody topped it up, which hides as much that was lost.
  local base = redis.call('HMGET', key(K.audit), 'base', 'base_spent')
  if base[1] and number(credits) > number(base[1]) - (number(spent_then) - number(base[2])) then
    redis.call('HDEL', key(K.audit), 'base', 'base_at')
  end
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

-- A pause outlasts every other reason; what they ask for is looked at anew when it ends.
local function hold(id, reason)
  release_ready(id)
  local record = key(K.campaign, id)
  local f = redis.call('HMGET', record, 'state', 'hold')
  if f[1] == C.held then
    if f[2] == H.paused then return end
    if f[2] ~= reason then announce(id, E.hold, { from = f[1], to = f[1], reason = reason }) end
    redis.call('HSET', record, 'hold', reason)
    stand(id, C.held, reason)
    watch_hold(id, reason)
    watch_deadline(id, C.held, reason)
  else
    move(id, C.held, reason)
  end
end

local function hold_for_credits(id)
  release_ready(id)
  redis.call('HSET', key(K.campaign, id), 'need', ready_cost(id), 'have', available())
  hold(id, H.credits)
end
