-- Takes the next batch to be taken back. Deleting twice is harmless, so a lease is enough.
-- ARGV: lease ms. Replies {} or {id, n, ticket, attempts so far, spent}.
local name = redis.call('ZRANGEBYSCORE', key(K.withdrawals), '-inf', now, 'LIMIT', 0, 1)[1]
if not name then return {} end
local id, n = string.match(name, '^(.*)/(%d+)$')
local batch = key(K.batch, id, n)
redis.call('HSET', ACCOUNT, 'withdrawn_at', now)
-- Nobody told how the attempt before went, so it may have worked.
if redis.call('HSETNX', batch, 'asked', 1) == 0 then redis.call('HSET', batch, 'doubted', 1) end
redis.call('ZADD', key(K.withdrawals), now + tonumber(ARGV[1]), name)
local attempt = redis.call('HINCRBY', batch, 'withdrawal', 1)
return { id, tonumber(n), redis.call('HGET', batch, 'ticket'), attempt,
  redis.call('HGET', ACCOUNT, 'spent') or '0' }
