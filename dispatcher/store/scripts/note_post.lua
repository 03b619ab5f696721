-- Notes that a batch was posted later than its slot, so that the seconds it is in hold no more than the
-- budget. ARGV: id, n, attempt, ms it was late. Replies 1 when its slot was still known.
local id, n, attempt = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local f = redis.call('HMGET', key(K.batch, id, n), 'slot', 'weight')
local name = slot_name(id, n, attempt, number(f[2]))
if not redis.call('ZSCORE', key(K.slots), name) then return 0 end
redis.call('ZADD', key(K.slots), number(f[1]) + tonumber(ARGV[4]), name)
return 1
