-- Takes people who were suppressed since the quote, or reached by the campaign that is sent again, out
-- of a claimed batch, before its POST. Money is settled by the answer; a batch of whom nobody is left
-- ends here, and what was set aside returns. ARGV: id, n, attempt, exclusions (msgpack of {place in the
-- batch, fate byte, ...}). Replies how many are left, -1 when the claim is over.
local id, n = ARGV[1], tonumber(ARGV[2])
local batch = key(K.batch, id, n)
local f = redis.call('HMGET', batch, 'state', 'attempt', 'quote')
if f[1] ~= B.sending or f[2] ~= ARGV[3] then return -1 end

local exclusions, first = cmsgpack.unpack(ARGV[4]), span(id, n)
for i = 1, #exclusions, 2 do
  local position = first + exclusions[i]
  if redis.call('GETRANGE', key(K.fates, id), position, position) == '\0' then
    set_fate(id, n, position, exclusions[i + 1])
    redis.call('HSET', batch, 'is_cut', 1)
  end
end
local left = number(redis.call('HGET', batch, 'left'))
if left == 0 then
  settle_money(id, number(f[3]), 0)
  redis.call('HSET', batch, 'settled_at', now)
  free_slot(id, n)
  move_batch(id, n, B.empty, 'nobody in it is left to send to')
  progress(id)
end
return left
