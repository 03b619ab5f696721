-- Shared by every script: the pace of an account. A budget of `rate` segments a second gives every POST
-- a slot, by a generic cell rate algorithm (`paced_until` is its theoretical arrival time) and by a
-- log of the last slots, so that no second holds more than the budget; one batch that is dearer goes alone.

-- Tells whether the API asked for a pause that is not over.
local function is_limited() return number(redis.call('HGET', ACCOUNT, 'limited_until')) > now end

-- Gives what a 429 left of the budget: half, and more by the second until it is whole again.
local function current_rate(rate)
  local f = redis.call('HMGET', ACCOUNT, 'lowered_to', 'lowered_at')
  if not f[1] then return rate end
  local regained = math.max(0, now - number(f[2])) * rate / RATE_RECOVERY_MS
  return math.min(rate, tonumber(f[1]) + regained)
end

-- Gives the ms of the budget that a batch uses up, which may grow back meanwhile: debts of a time when it was
-- low would outlive that.
local function use_of(weight)
  local whole = number(redis.call('HGET', ACCOUNT, 'rate'))
  local rate, growth = current_rate(whole), whole / RATE_RECOVERY_MS
  local low_ms = (whole - rate) / growth
  local by_then = (rate + whole) / 2 * low_ms / 1000
  local took
  if weight > by_then then
    took = low_ms + (weight - by_then) * 1000 / whole
  else
    took = (math.sqrt(rate * rate + 2000 * growth * weight) - rate) / growth
  end
  return took * WINDOW_MS / 1000
end

-- Heeds that the server's clock went back: what is to end ends about when it would have, and claims after
-- their lease at most, of which `lease` and `reading_lease` are those of whoever asks.
local function heed_clock(lease, reading_lease)
  local f = redis.call('HMGET', ACCOUNT, 'paced_at', 'paced_until', 'limited_until', 'lowered_at')
  local back = number(f[1]) - now
  if back <= CLOCK_MAY_STEP_MS then return end
  -- A whole window without a slot is on the safe side.
  redis.call('DEL', key(K.slots))
  local used_until = math.max(now + WINDOW_MS, number(f[2]) - back)
  redis.call('HSET', ACCOUNT, 'paced_at', now, 'paced_until', string.format('%.3f', used_until))
  if f[3] then redis.call('HSET', ACCOUNT, 'limited_until', string.format('%.0f', number(f[3]) - back)) end
  if f[4] then redis.call('HSET', ACCOUNT, 'lowered_at', string.format('%.0f', number(f[4]) - back)) end
  for _, name in ipairs(redis.call('ZRANGE', key(K.inflight), 0, -1)) do
    local id, n = string.match(name, '^(.*)/(%d+)$')
    local reading = redis.call('HGET', key(K.batch, id, n), 'reading')
    local most = reading == 'slot' and SLOT_MOST_MS + SLOT_LEASE_MS or reading and reading_lease or lease
    redis.call('ZADD', key(K.inflight), 'LT', now + most, name)
  end
end

-- Takes what the budget is by now; what was used of the old one weighs as much of the new.
local function set_rate(rate)
  local f = redis.call('HMGET', ACCOUNT, 'rate', 'paced_until')
  local until_then = number(f[2])
  if number(f[1]) == rate then return end
  redis.call('HSET', ACCOUNT, 'rate', string.format('%.17g', rate))
  if until_then > now and number(f[1]) > 0 then
    until_then = now + (until_then - now) * number(f[1]) / rate
    redis.call('HSET', ACCOUNT, 'paced_until', string.format('%.3f', until_then))
  end
end

-- Gives the segments of a batch as far as they are known.
local function weight_of(id, n)
  local f = redis.call('HMGET', key(K.batch, id, n), 'weight', 'quote', 'size')
  local weight = number(f[1] or f[2])
  if weight > 0 then return weight end
  return math.max(1, number(f[3]))
end

local function slot_name(id, n, attempt, weight)
  return string.format('%.0f', weight) .. ' ' .. id .. '/' .. n .. ' ' .. attempt
end

-- Gives the first moment, from one on, that no other slot comes after and whose window has room.
local function room_for(weight, rate, from)
  local slots = redis.call('ZREVRANGE', key(K.slots), 0, -1, 'WITHSCORES')
  if slots[2] then from = math.max(from, tonumber(slots[2])) end
  local sum = weight
  for i = 1, #slots, 2 do
    local at = tonumber(slots[i + 1])
    if at <= from - WINDOW_MS then break end
    sum = sum + tonumber(string.match(slots[i], '^%d+'))
    if sum > rate then return at + WINDOW_MS end
  end
  return from
end

-- Gives how many ms sooner than usual a slot is prepared: what the slowest worker needed of late, not only who
-- asks. Whoever has a slot calls for the next worker by then, and that may be the slowest.
local function early_of(own)
  local f = redis.call('HMGET', ACCOUNT, 'lead', 'lead_at')
  local shared, at = number(f[1]), number(f[2])
  if own == 0 and shared == 0 then return 0 end
  if own < shared and at <= now and now < at + LEAD_KEPT_MS then return shared end
  redis.call('HSET', ACCOUNT, 'lead', own, 'lead_at', now)
  return own
end

-- How far ahead a slot may lie: far enough that whoever has one finds who takes the next, near
-- enough that few wait, and an alert is not behind many. While nobody has one, who asks waits longer, for
-- everybody else has been told to leave. `early` is how many ms sooner than usual workers begin.
local function horizon(weight, rate, last, early)
  if last <= now + SLOT_CALLS_MS + early then return SLOT_MOST_MS end
  return math.min(math.max(weight * 1000 / rate + SLOT_LEAD_MS, SLOT_LEAST_MS) + early, SLOT_MOST_MS)
end

-- Gives the next slot of a batch, and how much is used up with it; only the first when it is too far ahead.
local function next_slot(weight, early)
  local rate = current_rate(number(redis.call('HGET', ACCOUNT, 'rate')))
  redis.call('ZREMRANGEBYSCORE', key(K.slots), '-inf', now - WINDOW_MS)
  local used_until = number(redis.call('HGET', ACCOUNT, 'paced_until'))
  -- Who sends all the time may catch up with what was missed by accident, and nobody saves up.
  local saved = redis.call('EXISTS', key(K.slots)) == 1 and MOST_SAVED_MS or 0
  local nearest = now + SLOT_NEAREST_MS + early
  used_until = math.max(used_until, nearest - saved)
  local from = math.max(used_until, nearest)
  local last = redis.call('ZRANGE', key(K.slots), -1, -1, 'WITHSCORES')
  if last[1] then
    -- Catching up is done at twice the pace, not all at once.
    local took = tonumber(string.match(last[1], '^%d+')) * WINDOW_MS / rate
    from = math.max(from, math.min(tonumber(last[2]) + took / 2, now + WINDOW_MS))
  end
  local slot = math.ceil(room_for(weight, rate, from))
  local ahead = horizon(weight, rate, number(last[2]), early)
  if slot - now > ahead then return math.floor(slot - ahead) end
  return slot, used_until + use_of(weight)
end

-- Gives a batch its slot, which is its campaign's turn.
local function take_slot(id, n, attempt, weight, slot, used_until, early)
  redis.call('ZADD', key(K.slots), slot, slot_name(id, n, attempt, weight))
  local turn = number(redis.call('ZSCORE', key(K.turns), id))
  redis.call('ZADD', key(K.turns), turn + weight, id)
  redis.call('HSET', key(K.campaign, id), 'turn', turn + weight)
  turn = math.max(turn, number(redis.call('HGET', ACCOUNT, 'turn')))
  redis.call('HSET', ACCOUNT, 'paced_until', string.format('%.3f', used_until), 'paced_at', now, 'turn', turn)
  redis.call('HSET', key(K.batch, id, n), 'slot', slot, 'weight', weight)
  if slot > now + SLOT_NEAREST_MS + early then
    redis.call('HINCRBY', ACCOUNT, 'rate_waits', 1)
    redis.call('HINCRBY', ACCOUNT, 'rate_waited_ms', slot - now)
  end
end

-- Frees the slot of a batch that ends or is given back before its POST began; the turn stays its campaign's.
local function free_slot(id, n)
  local f = redis.call('HMGET', key(K.batch, id, n), 'reading', 'slot', 'weight', 'attempt')
  if not (f[1] and f[2]) then return end
  if redis.call('ZREM', key(K.slots), slot_name(id, n, f[4], number(f[3]))) == 0 then return end
  local a = redis.call('HMGET', ACCOUNT, 'rate', 'paced_until')
  if number(a[1]) == 0 then return end
  local used_until = number(a[2]) - number(f[3]) * WINDOW_MS / number(a[1])
  redis.call('HSET', ACCOUNT, 'paced_until', string.format('%.3f', used_until))
end

-- Has a campaign take part in the turns: from now on, not for the time before, and not before its next
-- turn if it took part already, as one does that is paused and resumed.
local function join_turns(id)
  local turn = number(redis.call('HGET', ACCOUNT, 'turn'))
  turn = math.max(turn, number(redis.call('HGET', key(K.campaign, id), 'turn')))
  redis.call('ZADD', key(K.turns), 'NX', turn, id)
end

local function leave_turns(id) redis.call('ZREM', key(K.turns), id) end
