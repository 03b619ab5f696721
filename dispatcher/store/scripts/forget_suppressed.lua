-- Erases the number of somebody on the suppression list, who stays on it. ARGV: digest.
-- Replies 1 when they are on it.
local stored = redis.call('HGET', key(K.suppressions), ARGV[1])
if not stored then return 0 end
local record = cmsgpack.unpack(stored)
record[1] = 0
redis.call('HSET', key(K.suppressions), ARGV[1], cmsgpack.pack(record))
return 1
