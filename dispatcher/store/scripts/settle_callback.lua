-- Records how the attempt to deliver an entry ended. ARGV: producer, token, outcome, ms until its lane is
-- tried again, ms until anything is, why, endpoint, lane of replays.
-- outcome: `delivered`, `failed`, `dead` (failed, and given up), or `gone` (410: nothing more is delivered
-- until somebody asks for it). Only who took it may say, and once. Replies 1 when it was recorded.
local producer, outcome, why, replays = ARGV[1], ARGV[3], ARGV[6], ARGV[8]
local record, lanes, dead = key(K.producer, producer), key(K.lanes, producer), key(K.dead, producer)
local f = redis.call('HMGET', record, 'lease', 'lane', 'failures')
if f[1] ~= ARGV[2] then return 0 end
local lane = f[2]
local head = redis.call('LINDEX', key(K.lane, producer, lane), 0)
redis.call('HDEL', record, 'lease', 'leased_until', 'lane')

local function bury()
  local entry = redis.call('XRANGE', key(K.outbox, producer), head .. '-0', head .. '-0')[1]
  if not entry then return redis.call('HINCRBY', record, 'lost', 1) end
  redis.call('XADD', dead, 'MAXLEN', '~', DEAD_KEPT, '*', 'sequence', head, 'why', why, 'died_at', now,
    'attempts', redis.call('HGET', record, 'attempts ' .. lane), unpack(entry[2]))
end

if outcome == 'delivered' then
  if lane == replays then redis.call('XDEL', dead, head) end
  leave_lane(producer, lane)
  redis.call('HINCRBY', record, 'delivered', 1)
  redis.call('HSET', record, 'delivered_at', now)
  redis.call('HDEL', record, 'next_at', 'failures', 'why')
  -- After an outage, what was put off during it need not wait any longer.
  if number(f[3]) >= OUTAGE_FAILURES then
    for _, other in ipairs(redis.call('ZRANGE', lanes, 0, -1)) do redis.call('ZADD', lanes, now, other) end
  end
  return 1
end

redis.call('HSET', record, 'why', why, 'failed_at', now)
redis.call('HINCRBY', record, 'failures', 1)
if outcome == 'gone' then
  redis.call('HSET', record, 'gone', ARGV[7])
  redis.call('ZADD', lanes, now, lane)
  return 1
end
redis.call('HSET', record, 'next_at', now + tonumber(ARGV[5]))
if outcome == 'dead' then
  if lane ~= replays then bury() end
  leave_lane(producer, lane)
else
  redis.call('ZADD', lanes, now + tonumber(ARGV[4]), lane)
end
return 1
