-- Records that a batch could not be simulated. ARGV: id, n, what, code, why, pause ms.
-- what: `retry` later, `reject` the campaign, or hold it for `credits` or `credentials`.
local id, n, what = ARGV[1], ARGV[2], ARGV[3]
local record = key(K.campaign, id)
if redis.call('HGET', record, 'state') ~= C.quoting then return redis.call('HGET', record, 'state') or 'none' end
if redis.call('EXISTS', key(K.batch, id, n)) == 1 then return C.quoting end
-- Somebody else read the contacts meanwhile.
if tonumber(n) == UNREAD and redis.call('HEXISTS', record, 'first') == 1 then return C.quoting end

redis.call('HSET', record, 'error', ARGV[5], 'error_code', ARGV[4])
redis.call('ZADD', key(K.waiting, id), now + tonumber(ARGV[6]), n)
redis.call('HINCRBY', record, 'tries', 1)
if what == 'reject' then
  end_ready(id, B.refused)
  move(id, C.rejected, ARGV[5])
elseif what == H.credentials then
  redis.call('HSET', ACCOUNT, 'parked', H.credentials)
  hold(id, H.credentials)
elseif what == H.credits then
  hold_for_credits(id)
end
return redis.call('HGET', record, 'state')
