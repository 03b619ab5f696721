-- Has entries of a producer's outbox delivered again, at once. ARGV: producer, lane of replays, number to go on
-- behind or '', ids of dead letters ... Whatever was waited for is over. Replies how many dead
-- letters will be delivered.
local producer, replays, after = ARGV[1], ARGV[2], ARGV[3]
local record, lanes = key(K.producer, producer), key(K.lanes, producer)

-- Leaves in a lane what comes no later than a number, and what is under way: all else comes again from the
-- outbox, and would come before what is earlier.
local function cut_lane(name, last)
  local lane, kept = key(K.lane, producer, name), {}
  local numbers = redis.call('LRANGE', lane, 0, -1)
  local is_under_way = redis.call('HGET', record, 'lane') == name
  for i, each in ipairs(numbers) do
    if tonumber(each) <= last or (i == 1 and is_under_way) then kept[#kept + 1] = each end
  end
  if #kept == #numbers then return end
  redis.call('DEL', lane)
  for _, each in ipairs(kept) do redis.call('RPUSH', lane, each) end
  if kept[1] ~= numbers[1] then redis.call('HDEL', record, 'attempts ' .. name) end
  if #kept == 0 then redis.call('ZREM', lanes, name) end
end

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
  local last = math.min(tonumber(after), number(redis.call('HGET', record, 'sequence')))
  redis.call('HSET', record, 'cursor', string.format('%.0f', last))
  for _, other in ipairs(redis.call('ZRANGE', lanes, 0, -1)) do
    if other ~= replays then cut_lane(other, last) end
  end
end
redis.call('HDEL', record, 'next_at', 'failures', 'gone')
for _, other in ipairs(redis.call('ZRANGE', lanes, 0, -1)) do
  if redis.call('HGET', record, 'lane') ~= other then redis.call('ZADD', lanes, now, other) end
end
return count
