-- Resumes a paused campaign where it stood. ARGV: id, operation token: the same one, repeated, gets
-- the same answer. Replies {its state, batches waiting}, the latter -1 when it is not paused.
local id = ARGV[1]
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'hold', 'resumed_by')
if f[3] == ARGV[2] then return { f[1], redis.call('ZCARD', key(K.waiting, id)) } end
if f[1] ~= C.held or f[2] ~= H.paused then return { f[1] or 'none', -1 } end
redis.call('HSET', record, 'hold', '', 'resumed_by', ARGV[2])
if not is_quoted(id) then
  move(id, C.quoting)
elseif number(redis.call('HGET', record, 'batches:' .. B.ready)) > 0 then
  on_quoted(id)
else
  -- Reserved, for what is still being taken back is reserved when it comes.
  redis.call('HSET', record, 'reserved', 1)
  move(id, C.sending)
  progress(id)
end
return { redis.call('HGET', record, 'state'), redis.call('ZCARD', key(K.waiting, id)) }
