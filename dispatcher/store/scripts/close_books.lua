-- Enters what was read, if nothing changed meanwhile that may change the balance, and lets sends go on
-- unless another reading is to follow. ARGV: name of the books, msgpack of {field, value, ...},
-- msgpack of fields to strike out, 1 to keep sends back. Replies 1 when it was entered.
if ARGV[4] ~= '1' then redis.call('HDEL', ACCOUNT, 'quiet_until') end
if ARGV[1] ~= '' and ARGV[1] ~= books() then return 0 end
local fields, struck = cmsgpack.unpack(ARGV[2]), cmsgpack.unpack(ARGV[3])
if #fields > 0 then redis.call('HSET', key(K.audit), unpack(fields)) end
if #struck > 0 then redis.call('HDEL', key(K.audit), unpack(struck)) end
return 1
