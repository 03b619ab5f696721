-- Takes the next ended campaign whose lists are to be emptied; others may after the lease.
-- ARGV: lease ms. Replies {} or {id, what names its lists}.
local id = redis.call('ZRANGEBYSCORE', key(K.cleanup), '-inf', now, 'LIMIT', 0, 1)[1]
if not id then return {} end
redis.call('ZADD', key(K.cleanup), now + tonumber(ARGV[1]), id)
return { id, redis.call('HGET', key(K.campaign, id), 'list_prefix') }
