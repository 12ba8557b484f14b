export const A = () => (
  <div ref={} onClick={() => { x(); }} {...p}>
    <input ref={(el) => { if (el) el.focus(); }} />
  </div>
);
