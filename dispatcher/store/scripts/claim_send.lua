-- Takes the next batch to send: from here on it counts as perhaps sent.
-- ARGV: id, operation token, deadline ms. The same token gets the same batch again, so a lost
-- reply can be asked for anew by the attempt that lost it, which has not sent yet.
-- Replies {what} or {'claimed', n, attempt, packed recipients, message, fates, first sequence}.
local id, op, deadline = ARGV[1], ARGV[2], tonumber(ARGV[3])
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'message', 'batch_size', 'nudge_after', 'first', 'recipients')

local function claimed(n)
  local first = n * tonumber(f[3])
  return { 'claimed', n, redis.call('HGET', key(K.batch, id, n), 'attempt'),
    redis.call('HGET', key(K.recipients, id), n), f[2],
    redis.call('GETRANGE', key(K.fates, id), first, math.min(first + tonumber(f[3]), tonumber(f[6])) - 1),
    string.format('%.0f', tonumber(f[5]) + first) }
end

local mine = redis.call('HGET', key(K.claims), op)
if mine then return claimed(tonumber(string.match(mine, '/(%d+)$'))) end
-- A duplicate that was held up on its way must not claim a batch nobody will post.
if redis.call('ZSCORE', key(K.ended), op) then return { 'ended' } end

if f[1] ~= C.sending then return { f[1] or 'none' } end
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('HGET', ACCOUNT, 'run_id') ~= run_id then return { 'fenced' } end
if redis.call('HGET', ACCOUNT, 'parked') == H.credentials then
  hold(id, H.credentials)
  return { C.held }
end

local waiting = key(K.waiting, id)
local next_up = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
if not next_up[1] then return { 'idle' } end
if tonumber(next_up[2]) > now then
  look_again(id, math.min(tonumber(next_up[2]), now + number(f[4])))
  return { 'idle' }
end

local n = tonumber(next_up[1])
local batch = key(K.batch, id, n)
local quote = number(redis.call('HGET', batch, 'quote'))
redis.call('ZREM', waiting, n)
redis.call('HINCRBY', batch, 'attempt', 1)
redis.call('HSET', batch, 'op', op, 'claimed_at', now, 'balance_before', redis.call('HGET', ACCOUNT, 'balance') or '')
redis.call('HINCRBY', record, 'cost_ready', minus(quote))
redis.call('HINCRBY', record, 'cost_exposed', quote)
account_add('exposed', quote)
move_batch(id, n, B.sending)
redis.call('ZADD', key(K.inflight), now + deadline, id .. '/' .. n)
redis.call('HSET', key(K.claims), op, id .. '/' .. n)
look_again(id, now + number(f[4]))
return claimed(n)
