-- Erases the audience and the text of a schedule that is over. ARGV: id, version, definition without
-- its text. Replies 1, or 0 when it has moved on.
local id = ARGV[1]
if redis.call('HGET', key(K.schedule, id), 'version') ~= ARGV[2] then return 0 end
redis.call('UNLINK', key(K.audience, id))
redis.call('HSET', key(K.schedule, id), 'definition', ARGV[3], 'frozen', '')
return 1
