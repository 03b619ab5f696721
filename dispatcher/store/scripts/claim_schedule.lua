-- Leases the schedule that has been due for longest, so that others do not prepare the same.
-- ARGV: lease. Replies {now, id, record}, or nothing. A lost answer costs a lease.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.schedules_due), '-inf', now, 'LIMIT', 0, 1)) do
  redis.call('ZADD', key(K.schedules_due), now + tonumber(ARGV[1]), id)
  return { now, id, redis.call('HGETALL', key(K.schedule, id)) }
end
return {}
