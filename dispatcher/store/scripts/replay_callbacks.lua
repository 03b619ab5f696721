-- Has entries of a producer's outbox delivered again, at once. ARGV: producer, lane of replays, number to go on
-- behind or '', ids of dead letters ... Whatever was waited for is over. Replies how many dead
-- letters will be delivered.
local producer, replays, after = ARGV[1], ARGV[2], ARGV[3]
local record, lanes = key(K.producer, producer), key(K.lanes, producer)
local lane, waiting, count = key(K.lane, producer, replays), {}, 0
for _, id in ipairs(redis.call('LRANGE', lane, 0, -1)) do waiting[id] = true end
for i = 4, #ARGV do
  if redis.call('XRANGE', key(K.dead, producer), ARGV[i], ARGV[i])[1] then
    count = count + 1
    if not waiting[ARGV[i]] then redis.call('RPUSH', lane, ARGV[i]) end
    waiting[ARGV[i]] = true
  end
end
if count > 0 then redis.call('ZADD', lanes, 'NX', now, replays) end
if after ~= '' then
  local last = number(redis.call('HGET', record, 'sequence'))
  redis.call('HSET', record, 'cursor', string.format('%.0f', math.min(tonumber(after), last)))
end
redis.call('HDEL', record, 'next_at', 'failures', 'gone')
for _, other in ipairs(redis.call('ZRANGE', lanes, 0, -1)) do
  if redis.call('HGET', record, 'lane') ~= other then redis.call('ZADD', lanes, now, other) end
end
return count
