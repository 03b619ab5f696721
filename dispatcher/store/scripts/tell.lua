-- Tells a producer something that happened outside of the scripts, once a token.
-- ARGV: producer, kind, campaign or '', data (JSON), token. Replies its number, or 0 when it was told before.
local producer, token = ARGV[1], ARGV[5]
redis.call('ZREMRANGEBYSCORE', key(K.told), '-inf', now - ENDED_KEPT_MS)
if redis.call('ZADD', key(K.told), 'NX', now, token) == 0 then return 0 end
tell(producer, ARGV[2], ARGV[3], ARGV[4])
return tonumber(redis.call('HGET', key(K.producer, producer), 'sequence'))
