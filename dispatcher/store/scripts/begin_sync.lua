-- Decides who compares the suppression list with the API's blacklist, at most once in a while.
-- ARGV: interval ms, `look` only to tell whether it is time. Replies 1 for yes.
local last = number(redis.call('HGET', ACCOUNT, 'synced_at'))
if last <= now and last + tonumber(ARGV[1]) > now then return 0 end
if ARGV[2] ~= 'look' then redis.call('HSET', ACCOUNT, 'synced_at', now) end
return 1
