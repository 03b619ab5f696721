-- Erases what campaigns hold that have been over for long enough, and in the end their records; trims
-- what is kept for a while only. May be repeated, and goes on where it stopped.
-- ARGV: ms after which recipients are erased, ms after which records go, most batches at once,
-- families (msgpack of {content, batches, indexes: lists of families, streams: {family, ms, ...},
-- times: the same}). Replies how much it did; 0 when nothing is left to do now.
local retention, kept, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local families = cmsgpack.unpack(ARGV[4])
local done = 0

-- What was over before anybody kept count of it.
if redis.call('HSETNX', ACCOUNT, 'retains', 1) == 1 then
  for _, id in ipairs(redis.call('ZRANGE', key(K.campaigns), 0, -1)) do
    local f = redis.call('HMGET', key(K.campaign, id), 'state', 'changed_at', 'erased_at')
    if f[1] and TERMINAL[f[1]] and not f[3] then redis.call('ZADD', key(K.over), 'NX', f[2], id) end
  end
end

-- Receipts of list sends are found by ticket; one that is late is ours all the same.
local function keep_ticket(id, n)
  if redis.call('HEXISTS', key(K.lists, id), n) == 0 then return end
  local ticket = redis.call('HGET', key(K.batch, id, n), 'ticket') or ''
  if redis.call('HGET', key(K.tickets), ticket) ~= id .. '/' .. n then return end
  local record = key(K.campaign, id)
  redis.call('HSET', record, 'tickets', (redis.call('HGET', record, 'tickets') or '') .. ticket .. ' ')
end

local function erase_batches(id, batches)
  local record = key(K.campaign, id)
  local n = number(redis.call('HGET', record, 'erasing'))
  while n < batches and room > 0 do
    keep_ticket(id, n)
    for _, family in ipairs(families.batches) do redis.call('UNLINK', key(family, id, n)) end
    n, room, done = n + 1, room - 1, done + 1
  end
  redis.call('HSET', record, 'erasing', n)
  return n == batches
end

local function erase(id, over_at)
  local record = key(K.campaign, id)
  redis.call('HSETNX', record, 'erased_at', now)
  if not erase_batches(id, number(redis.call('HGET', record, 'batches'))) then return end
  for _, family in ipairs(families.content) do redis.call('UNLINK', key(family, id)) end
  redis.call('HSET', record, 'message', '')
  redis.call('HDEL', record, 'erasing', 'error', 'error_code', 'approved_by')
  redis.call('ZREM', key(K.over), id)
  redis.call('ZREM', key(K.checks), id)
  redis.call('ZADD', key(K.erased), over_at, id)
  done = done + 1
end

local function forget(id)
  leave(id)
  for ticket in string.gmatch(redis.call('HGET', key(K.campaign, id), 'tickets') or '', '%S+') do
    redis.call('HDEL', key(K.tickets), ticket)
  end
  for _, family in ipairs(families.indexes) do redis.call('ZREM', key(family), id) end
  for _, family in ipairs(families.content) do redis.call('UNLINK', key(family, id)) end
  redis.call('UNLINK', key(K.campaign, id))
  done = done + 1
end

local over = redis.call('ZRANGEBYSCORE', key(K.over), '-inf', now - retention, 'WITHSCORES', 'LIMIT', 0, 100)
for i = 1, #over, 2 do
  if room > 0 then erase(over[i], over[i + 1]) end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.erased), '-inf', now - kept, 'LIMIT', 0, 100)) do forget(id) end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.replies), '-inf', now - retention, 'LIMIT', 0, 500)) do
  redis.call('UNLINK', key(K.reply, id))
  redis.call('ZREM', key(K.replies), id)
  redis.call('ZREM', key(K.review), id)
  done = done + 1
end

-- Entries are named after the server's own clock.
local seconds = tonumber(redis.call('TIME')[1])
for i = 1, #families.streams, 2 do
  local oldest = string.format('%.0f', seconds * 1000 - families.streams[i + 1])
  redis.call('XTRIM', key(families.streams[i]), 'MINID', oldest)
end
for i = 1, #families.times, 2 do
  redis.call('ZREMRANGEBYSCORE', key(families.times[i]), '-inf', now - families.times[i + 1])
end
return done
