-- Stops every send of the account, or lets them go on, the circuit breaker's too. ARGV: who stopped it, or '' to go on.
-- Replies who had stopped it before, or ''.
local before = redis.call('HGET', ACCOUNT, 'stopped_by') or ''
if ARGV[1] == '' then
  redis.call('HDEL', ACCOUNT, 'stopped_by')
  if close_breaker() and before == '' then before = 'circuit breaker' end
else
  redis.call('HSET', ACCOUNT, 'stopped_by', ARGV[1])
end
return before
