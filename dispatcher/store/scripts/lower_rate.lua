-- Heeds that the API asked for a pause (429): nothing is quoted or sent during it, and half the budget after it,
-- which grows back. ARGV: ms it asked for, 0 when it named none. Calls that were under way
-- together count once. Replies the ms from now until the pause ends.
local asked = tonumber(ARGV[1])
local f = redis.call('HMGET', ACCOUNT, 'limited_until', 'lowered_at', 'limits_in_row', 'rate')
local limited_until, in_row, rate = number(f[1]), number(f[3]), number(f[4])
if limited_until > now then
  if asked > 0 then limited_until = math.max(limited_until, now + math.min(asked, LIMIT_MOST_MS)) end
  redis.call('HSET', ACCOUNT, 'limited_until', limited_until)
  return limited_until - now
end
if number(f[2]) + LIMIT_FORGOTTEN_MS < now then in_row = 0 end
local pause = asked > 0 and asked or LIMIT_LEAST_MS * 2 ^ math.min(in_row, 10)
pause = math.min(pause, LIMIT_MOST_MS)
if rate > 0 then
  local half = math.max(current_rate(rate) / 2, rate * LEAST_SHARE)
  redis.call('HSET', ACCOUNT, 'lowered_to', string.format('%.17g', half))
end
redis.call('HSET', ACCOUNT, 'limited_until', now + pause, 'lowered_at', now + pause, 'limits_in_row', in_row + 1)
redis.call('HINCRBY', ACCOUNT, 'rate_lowered', 1)
return pause
