import { useEffect, useState } from "react";
import { clock, known } from "./zones.js";

const FIRST_ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"];

export function App() {
  const [zones, setZones] = useState(FIRST_ZONES);
  const now = useNow();
  const add = (zone) => setZones((all) => (all.includes(zone) ? all : [...all, zone]));
  const remove = (zone) => setZones((all) => all.filter((one) => one !== zone));

  return (
    <main>
      <h1>What time is it for them?</h1>
      <ul>
        {zones.map((zone) => (
          <Clock key={zone} {...clock(zone, now)} onRemove={() => remove(zone)} />
        ))}
      </ul>
      <AddZone onAdd={add} />
    </main>
  );
}

function Clock({ zone, time, day, working, onRemove }) {
  return (
    <li className={working ? "working" : "resting"}>
      <span>{zone.split("/").pop().replaceAll("_", " ")}</span>
      <time>{time}</time>
      <small>{day}{working ? ", at work" : ""}</small>
      <button type="button" aria-label={`Remove ${zone}`} onClick={onRemove}>×</button>
    </li>
  );
}

function AddZone({ onAdd }) {
  const [zone, setZone] = useState("");
  const submit = (event) => {
    event.preventDefault();
    onAdd(zone);
    setZone("");
  };
  return (
    <form onSubmit={submit}>
      <input
        aria-label="Time zone"
        placeholder="Africa/Nairobi"
        value={zone}
        onChange={(event) => setZone(event.target.value.trim())}
      />
      <button disabled={!known(zone)}>Add</button>
    </form>
  );
}

function useNow() {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
