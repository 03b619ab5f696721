-- Puts a field of a hash in the place of what was read. ARGV: family, id, field, SHA-1 of what was
-- read, what replaces it. Replies 1, or 0 when it has changed or is gone.
local name, field = key(ARGV[1], ARGV[2]), ARGV[3]
local kept = redis.call('HGET', name, field)
if not kept or redis.sha1hex(kept) ~= ARGV[4] then return 0 end
redis.call('HSET', name, field, ARGV[5])
return 1
