-- Shared by every script: how many campaigns and batches stand where, kept in step with their states
-- so that whoever watches needs no scan. `stands` in a campaign's record says where it is counted, and
-- under which count; one that is not, for it is older or the count was begun anew, is entered with its
-- batches when it moves, or by a tick.

-- Read once: no script but that which begins the count anew changes it, and that asks for nothing more.
local counted_as
local function count_name()
  counted_as = counted_as or redis.call('HGET', ACCOUNT, 'count') or '0'
  return counted_as
end

-- Gives where a campaign is counted; nil when it is not.
local function standing_of(id)
  local count, place = string.match(redis.call('HGET', key(K.campaign, id), 'stands') or '', '^(%d+) (.+)$')
  return count == count_name() and place or nil
end

local function count_at(place, amount) redis.call('HINCRBY', key(K.tally), place, amount) end

local function count_all_batches(id, sign)
  local fields, states = {}, {}
  for _, state in pairs(B) do
    states[#states + 1] = state
    fields[#fields + 1] = 'batches:' .. state
  end
  for i, value in ipairs(redis.call('HMGET', key(K.campaign, id), unpack(fields))) do
    if number(value) ~= 0 then count_at('batch ' .. states[i], sign * number(value)) end
  end
end

local function leave_place(id, place)
  if TERMINAL[place] then count_at(place, -1) else redis.call('ZREM', key(K.standing, place), id) end
end

-- Counts a campaign where it stands now.
local function stand(id, state, reason, since)
  local had, place = standing_of(id), state == C.held and state .. ' ' .. reason or state
  if had == place then return end
  if had then leave_place(id, had) else count_all_batches(id, 1) end
  redis.call('HSET', key(K.campaign, id), 'stands', count_name() .. ' ' .. place)
  if TERMINAL[state] then count_at(place, 1) else redis.call('ZADD', key(K.standing, place), since or now, id) end
end

-- Counts a campaign no longer whose record goes.
local function leave(id)
  local had = standing_of(id)
  if not had then return end
  count_all_batches(id, -1)
  leave_place(id, had)
end

-- Counts batches of a campaign in one of their states.
local function add_batches(id, state, amount)
  redis.call('HINCRBY', key(K.campaign, id), 'batches:' .. state, amount)
  if standing_of(id) then count_at('batch ' .. state, amount) end
end

-- Counts batches of a campaign in another of their states.
local function shift_batches(id, from, to, amount)
  local record = key(K.campaign, id)
  redis.call('HINCRBY', record, 'batches:' .. from, minus(amount))
  redis.call('HINCRBY', record, 'batches:' .. to, amount)
  if not standing_of(id) then return end
  count_at('batch ' .. from, minus(amount))
  count_at('batch ' .. to, amount)
end

-- Enters some campaigns that are not counted, from the oldest on, until all are.
local function enter_some(most)
  local from = redis.call('HGET', ACCOUNT, 'counted')
  if from == 'all' then return end
  local after = from and '(' .. from or '-inf'
  local page = redis.call('ZRANGEBYSCORE', key(K.campaigns), after, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  if #page == 0 then return redis.call('HSET', ACCOUNT, 'counted', 'all') end
  local last = page[#page]
  -- The page may end between two of the same millisecond.
  local same = redis.call('ZRANGEBYSCORE', key(K.campaigns), last, last)
  for i = 1, #page, 2 do same[#same + 1] = page[i] end
  for _, id in ipairs(same) do
    local f = redis.call('HMGET', key(K.campaign, id), 'state', 'hold', 'changed_at')
    if f[1] and not standing_of(id) then stand(id, f[1], f[2], f[3]) end
  end
  redis.call('HSET', ACCOUNT, 'counted', #page < 2 * most and 'all' or last)
end
