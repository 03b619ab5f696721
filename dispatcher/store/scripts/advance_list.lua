-- Records how far the upload of a batch to a list of the account has come, unless somebody else
-- got further. ARGV: id, n, progress before, progress now. Replies 1 when it was recorded.
local id, n = ARGV[1], tonumber(ARGV[2])
if redis.call('HGET', key(K.campaign, id), 'state') ~= C.quoting then return 0 end
if (redis.call('HGET', key(K.lists, id), n) or '') ~= ARGV[3] then return 0 end
redis.call('HSET', key(K.lists, id), n, ARGV[4])
-- An announcement keeps the lease: nobody else may look for the list before it is made.
if not string.match(ARGV[4], '^creating:') then redis.call('ZADD', key(K.waiting, id), 'XX', now, n) end
redis.call('HDEL', key(K.campaign, id), 'tries')
return 1
