-- Records what simulate said of a batch. The last one reserves the campaign's whole cost:
-- all or nothing. ARGV: id, n, size, cost, credits, spent before asking, exclusions (msgpack of
-- {place in the batch, fate byte, ...}), version of the suppression list heeded,
-- segments it takes, '' when nobody counted them. Replies {campaign state, batches waiting}.
local id, n, size, cost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local record, batch = key(K.campaign, id), key(K.batch, id, n)
local state = redis.call('HGET', record, 'state')
if state ~= C.quoting or redis.call('EXISTS', batch) == 1 then return { state or 'none', 0 } end

observe(ARGV[5], ARGV[6])
local exclusions, first = cmsgpack.unpack(ARGV[7]), span(id, n)
-- Some were left out before, for they were forgotten.
local _, known = string.gsub(fates_of(id, n), '[^%z]', '')
redis.call('HSET', batch, 'state', B.ready, 'size', size, 'left', size - known, 'attempt', 0,
  'heeded', ARGV[8])
-- The quote may be older than that, and then it is of more people than are sent to.
if known > 0 then redis.call('HSET', batch, 'is_cut', 1) end
for i = 1, #exclusions, 2 do
  local position = first + exclusions[i]
  if redis.call('GETRANGE', key(K.fates, id), position, position) == '\0' then
    set_fate(id, n, position, exclusions[i + 1])
  end
end
if number(redis.call('HGET', batch, 'left')) == 0 then cost = 0 end
redis.call('HSET', batch, 'quote', cost)
if ARGV[9] ~= '' then redis.call('HSET', batch, 'weight', ARGV[9]) end
redis.call('ZREM', key(K.waiting, id), n)
redis.call('HDEL', record, 'tries')
redis.call('HINCRBY', record, 'quote', cost)
redis.call('HINCRBY', record, 'cost_ready', cost)
if number(redis.call('HGET', batch, 'left')) == 0 then
  redis.call('HSET', batch, 'state', B.empty)
  shift_batches(id, B.ready, B.empty, 1)
end
emit(id, 'quote', n, cost)
local quoted = redis.call('HINCRBY', record, 'quoted', 1)
if quoted == tonumber(redis.call('HGET', record, 'batches')) then on_quoted(id) end
return { redis.call('HGET', record, 'state'), redis.call('ZCARD', key(K.waiting, id)) }
