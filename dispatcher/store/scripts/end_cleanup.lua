-- Records that a campaign's lists are empty, or that there is more to do at once.
-- ARGV: id, `done` or `again`.
local id = ARGV[1]
if ARGV[2] == 'again' then return redis.call('ZADD', key(K.cleanup), 'XX', now, id) end
if redis.call('ZREM', key(K.cleanup), id) == 0 then return 0 end
redis.call('HSET', key(K.campaign, id), 'clean_lists', 0)
if redis.call('HEXISTS', key(K.campaign, id), 'erased_at') == 0 then emit(id, 'lists', '', 'emptied') end
return 1
