-- Makes the consumer group of the receipts' stream, unless it is there. ARGV: its name.
local made = redis.pcall('XGROUP', 'CREATE', key(K.receipts), ARGV[1], '0', 'MKSTREAM')
if type(made) == 'table' and made.err and not string.match(made.err, '^-?BUSYGROUP') then return made end
return 1
