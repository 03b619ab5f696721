-- Begins the count of what stands where anew; ticks enter every campaign again.
-- ARGV: places (msgpack).
for _, place in ipairs(cmsgpack.unpack(ARGV[1])) do redis.call('UNLINK', key(K.standing, place)) end
redis.call('UNLINK', key(K.tally))
redis.call('HINCRBY', ACCOUNT, 'count', 1)
redis.call('HDEL', ACCOUNT, 'counted')
