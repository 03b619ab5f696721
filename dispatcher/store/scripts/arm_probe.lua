-- Lets one batch through an open circuit breaker, after the API answered again. ARGV: ms it has to
-- have been open. Replies 1 when one may go.
local f = redis.call('HMGET', ACCOUNT, 'breaker_at', 'probe')
if not f[1] or f[2] or number(f[1]) + tonumber(ARGV[1]) > now then return 0 end
redis.call('HSET', ACCOUNT, 'probe', 'any')
return 1
