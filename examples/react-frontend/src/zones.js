/** The clock of one zone at `date`: what it shows, and whether people there are likely at work (9 to 17). */
export function clock(zone, date) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(date);
  const part = (type) => parts.find((one) => one.type === type).value;
  const hour = Number(part("hour"));
  const weekend = ["Sat", "Sun"].includes(part("weekday"));
  return {
    zone,
    time: `${part("hour")}:${part("minute")}`,
    day: part("weekday"),
    working: !weekend && hour >= 9 && hour < 17,
  };
}

/** Whether `zone` is a name that this browser knows. */
export function known(zone) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone !== "";
  } catch {
    return false;
  }
}
