-- Shared by every script: steps of schedules. A step is what somebody decided about a schedule as
-- it was at `version`; any other step taken since makes it void.

local function is_current(step)
  return redis.call('HGET', key(K.schedule, step.id), 'version') == step.version
end

local function add_to_history(id, entry)
  redis.call('LPUSH', key(K.history, id), entry)
  redis.call('LTRIM', key(K.history, id), 0, HISTORY_KEPT - 1)
end

local function advance(step)
  local record = key(K.schedule, step.id)
  redis.call('HSET', record, 'changed_at', now, unpack(step.fields))
  redis.call('HINCRBY', record, 'version', 1)
  for _, entry in ipairs(step.history) do add_to_history(step.id, entry) end
  if step.look_at then
    redis.call('ZADD', key(K.schedules_due), step.look_at, step.id)
  else
    redis.call('ZREM', key(K.schedules_due), step.id)
  end
  if step.awaits then redis.call('ZADD', key(K.awaited), 'NX', now, step.awaits) end
end
