-- Takes the next batch to send: from here on it counts as perhaps sent, or, if it goes to lists that
-- are read first, from `begin_post` on. ARGV: id, operation token, deadline ms, the same when lists
-- are to be read. The same token gets the same batch again, so a lost
-- reply can be asked for anew by the attempt that lost it, which has not sent yet.
-- Replies {what} or {'claimed', n, attempt, packed recipients, message, lists, fates, first
-- sequence, progress of the upload to a list, ms when to send or 0 for now,
-- what becomes of it outside the hours of advertising, or '', version of the suppression list that
-- was heeded, and now}.
local id, op, deadline = ARGV[1], ARGV[2], tonumber(ARGV[3])
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'message', 'lists', 'nudge_after', 'first', 'send_at', 'latest', 'windows')

local function claimed(n)
  local b = redis.call('HMGET', key(K.batch, id, n), 'attempt', 'due_at', 'heeded')
  return { 'claimed', n, b[1],
    redis.call('HGET', key(K.recipients, id), n), f[2], f[3] or '[]', fates_of(id, n),
    string.format('%.0f', tonumber(f[5]) + span(id, n)),
    redis.call('HGET', key(K.lists, id), n) or '',
    b[2] or '0', f[8] or '', b[3] or '0', redis.call('HGET', ACCOUNT, 'suppression_version') or '0' }
end

local mine = redis.call('HGET', key(K.claims), op)
if mine then return claimed(tonumber(string.match(mine, '/(%d+)$'))) end
-- A duplicate that was held up on its way must not claim a batch nobody will post.
if redis.call('ZSCORE', key(K.ended), op) then return { 'ended' } end

if f[1] ~= C.sending then return { f[1] or 'none' } end
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('HGET', ACCOUNT, 'run_id') ~= run_id then return { 'fenced' } end
local send_at, latest = number(f[6]), number(f[7])
if latest > 0 and now >= latest then
  expire(id)
  return { 'late' }
end
if redis.call('HGET', ACCOUNT, 'parked') == H.credentials then
  hold(id, H.credentials)
  return { C.held }
end

if redis.call('HEXISTS', ACCOUNT, 'stopped_by') == 1 then return { 'stopped' } end
local closed = closed_gate()
if closed then return { closed } end
-- So close to its time, the API might take the moment for one that is past.
if send_at > now and send_at <= now + LEAST_DELAY_MS then
  look_again(id, send_at)
  return { 'idle' }
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
redis.call('HSET', batch, 'op', op, 'claimed_at', now, 'due_at', send_at > now and send_at or 0,
  'balance_before', redis.call('HGET', ACCOUNT, 'balance') or '')
redis.call('HINCRBY', record, 'cost_ready', minus(quote))
redis.call('HINCRBY', record, 'cost_exposed', quote)
account_add('exposed', quote)
move_batch(id, n, B.sending)
local reads = redis.call('HEXISTS', key(K.lists, id), n) == 1
if reads then redis.call('HSET', batch, 'reading', 1) end
redis.call('ZADD', key(K.inflight), now + (reads and tonumber(ARGV[4]) or deadline), id .. '/' .. n)
redis.call('HSET', key(K.claims), op, id .. '/' .. n)
pass_gate(id .. '/' .. n)
look_again(id, now + number(f[4]))
return claimed(n)
