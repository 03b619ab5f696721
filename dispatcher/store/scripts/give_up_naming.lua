-- Records that nobody can tell whom the API left out of a batch: they stay as they are, counted.
-- ARGV: id, n, why.
local id, n, why = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if redis.call('ZREM', key(K.unnamed), id .. '/' .. n) == 0 then return 0 end
alarm(id, n, 'people the API left out cannot be named: ' .. why)
return 1
