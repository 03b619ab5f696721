-- Tells how an account is paced. Replies {segments a second, the same as a 429 left it, ms that are
-- left of a pause, slots waited for, ms waited for them, pauses the API asked for}.
local f = redis.call('HMGET', ACCOUNT, 'rate', 'limited_until', 'rate_waits', 'rate_waited_ms', 'rate_lowered')
local rate = number(f[1])
return { string.format('%.17g', rate), string.format('%.17g', current_rate(rate)),
  string.format('%.0f', math.max(0, number(f[2]) - now)), f[3] or '0', f[4] or '0', f[5] or '0' }
