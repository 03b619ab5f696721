-- Finds an occurrence that a producer has been asked for, and is to be asked for again or settled.
-- ARGV: ms until the next look. Replies {now, campaign, 1 when it exists}, or nothing. A lost
-- answer costs that time.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(K.awaited), '-inf', now, 'LIMIT', 0, 1)) do
  redis.call('ZADD', key(K.awaited), now + tonumber(ARGV[1]), id)
  return { now, id, redis.call('EXISTS', key(K.campaign, id)) }
end
return {}
