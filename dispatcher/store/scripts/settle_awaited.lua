-- Ends the wait for an occurrence. ARGV: campaign, schedule, entry of its history.
if redis.call('ZREM', key(K.awaited), ARGV[1]) == 0 then return 0 end
if redis.call('EXISTS', key(K.schedule, ARGV[2])) == 1 then add_to_history(ARGV[2], ARGV[3]) end
return 1
