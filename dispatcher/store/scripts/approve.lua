-- Lets a quoted campaign that waits for approval spend. ARGV: id, who. Replies {its state, batches waiting}.
local id = ARGV[1]
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'hold', 'approved_by')
if f[3] then return { f[1], 0 } end
redis.call('HSETNX', record, 'approved_by', ARGV[2])
emit(id, 'approval', '', ARGV[2])
if f[1] == C.held and f[2] == H.approval then reserve(id) end
return { redis.call('HGET', record, 'state'), redis.call('ZCARD', key(K.waiting, id)) }
