-- Lets a quoted campaign that waits for approval spend. ARGV: id, who. Replies {its state, batches
-- waiting}, or {its state, -1} when it is not one that can be approved.
local id = ARGV[1]
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'hold', 'approved_by', 'needs_approval')
local state = f[1]
if f[3] then return { state, 0 } end
local waits = state == C.queued or state == C.quoting or (state == C.held and f[2] == H.approval)
  or (state == C.held and (f[2] == H.paused or not is_quoted(id)))
if f[4] ~= '1' or not waits then return { state, -1 } end

redis.call('HSET', record, 'approved_by', ARGV[2])
emit(id, 'approval', '', ARGV[2])
if state == C.held and f[2] == H.approval then on_quoted(id) end
return { redis.call('HGET', record, 'state'), redis.call('ZCARD', key(K.waiting, id)) }
