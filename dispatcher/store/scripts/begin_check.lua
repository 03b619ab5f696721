-- Decides who asks the API for the balance, at most once in a while.
-- ARGV: interval ms, `now` to ask at once. Replies {go ahead, spent}.
local last = number(redis.call('HGET', ACCOUNT, 'checked_at'))
if ARGV[2] ~= 'now' and last <= now and last + tonumber(ARGV[1]) > now then return { 0, '0' } end
redis.call('HSET', ACCOUNT, 'checked_at', now)
return { 1, redis.call('HGET', ACCOUNT, 'spent') or '0' }
