-- Shared by every script: what producers are told, beyond `tell`.

-- Gives the first entry of a stream from one on, as {id, fields}, or nil.
local function entry_from(stream, id) return redis.call('XRANGE', stream, id, '+', 'COUNT', 1)[1] end

local function sequence_of(entry) return tonumber(string.match(entry[1], '^%d+')) end

local function field_of(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

-- Forgets what is too old in a stream, a thousand entries at most. Gives ms to the next look.
local function forget_before(stream, field, oldest)
  local function is_too_old(entry) return tonumber(field_of(entry, field)) < oldest end
  local first = entry_from(stream, '-')
  if not first or not is_too_old(first) then return TRIM_EVERY_MS end
  local entries = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1000)
  for _, entry in ipairs(entries) do
    if not is_too_old(entry) then
      redis.call('XTRIM', stream, 'MINID', entry[1])
      return TRIM_EVERY_MS
    end
  end
  redis.call('XTRIM', stream, 'MINID', string.format('%.0f-0', sequence_of(entries[#entries]) + 1))
  return 0
end

local function trim_outboxes(limit)
  local looks = key(K.outbox_looks)
  for _, producer in ipairs(redis.call('ZRANGEBYSCORE', looks, '-inf', now, 'LIMIT', 0, limit)) do
    local again = forget_before(key(K.outbox, producer), 'at', now - OUTBOX_AGE_MS)
    forget_before(key(K.dead, producer), 'died_at', now - DEAD_AGE_MS)
    redis.call('ZADD', looks, now + again, producer)
  end
end

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

-- Ends the wait for the first entry of a lane; the next one is due.
local function leave_lane(producer, lane)
  redis.call('LPOP', key(K.lane, producer, lane))
  redis.call('HDEL', key(K.producer, producer), 'attempts ' .. lane)
  if redis.call('LLEN', key(K.lane, producer, lane)) > 0 then
    redis.call('ZADD', key(K.lanes, producer), now, lane)
  else
    redis.call('ZREM', key(K.lanes, producer), lane)
  end
end
