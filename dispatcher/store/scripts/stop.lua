-- Stops every send of the account, or lets them go on. ARGV: who stopped it, or '' to go on.
-- Replies who had stopped it before, or ''.
local before = redis.call('HGET', ACCOUNT, 'stopped_by') or ''
if ARGV[1] == '' then
  redis.call('HDEL', ACCOUNT, 'stopped_by')
else
  redis.call('HSET', ACCOUNT, 'stopped_by', ARGV[1])
end
return before
