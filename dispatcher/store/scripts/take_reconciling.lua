-- Lets one worker at a time look for evidence; more would only ask the API too often.
-- ARGV: ms until the next may, 1 to take the turn and 0 to set when the next is. Replies 1 when taken.
if ARGV[2] == '1' and number(redis.call('HGET', ACCOUNT, 'reconcile_at')) > now then return 0 end
redis.call('HSET', ACCOUNT, 'reconcile_at', now + tonumber(ARGV[1]))
return 1
