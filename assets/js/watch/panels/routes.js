// One route, or the average of all? The loss along random routes through the experts, asked for by a button.
window.Gatelight = window.Gatelight || {};

(() => {
  const HEIGHT = 92;
  const EDGE = 20;

  const mount = (ctx) => {
    const { say, body } = ctx;
    let known = { run: "" };
    const compute = Gatelight.button(say("compute"), () => ask(), { class: "gl-button gl-small" });
    ctx.tools.append(compute);
    const keys = ["random", "expert", "average"].map((name) =>
      Gatelight.el("span", { class: `gl-key gl-dot-${name}`, text: say(name) }),
    );
    const legend = Gatelight.el("div", { class: "gl-keys" }, ...keys);
    const canvas = Gatelight.el("canvas", { class: "gl-strip", role: "img", "aria-label": say("label") });
    const readout = Gatelight.el("p", { class: "gl-readout", role: "status" });
    body.append(legend, canvas, readout);

    const ask = async () => {
      const { run } = ctx.view.tape;
      known = { run, waiting: true };
      ctx.redraw();
      const answer = await ctx.server.routes({ run }).catch(() => undefined);
      known = { run, ...(answer ?? { error: ctx.common("gone") }) };
      ctx.redraw();
    };

    const dots = () => {
      const width = canvas.clientWidth;
      if (!width) return;
      const palette = Gatelight.palette(canvas);
      const context = Gatelight.fit(canvas, width, HEIGHT);
      const all = [known.average, ...known.experts, ...known.random];
      const [low, high] = [Math.min(...all), Math.max(...all)];
      const x = (loss) => EDGE + ((width - 2 * EDGE) * (loss - low)) / Math.max(1e-9, high - low);
      const dot = (loss, y, size, colour, alpha = 1) => {
        context.globalAlpha = alpha;
        context.fillStyle = colour;
        context.beginPath();
        context.arc(x(loss), y, size, 0, 2 * Math.PI);
        context.fill();
        context.globalAlpha = 1;
      };
      for (const loss of known.random) dot(loss, 18, 5, palette.base, 0.6);
      for (const loss of known.experts) dot(loss, 40, 4, palette.muted);
      dot(known.average, 60, 7, palette.tuned);
      context.font = `11px ${palette.font}`;
      context.fillStyle = palette.muted;
      context.textAlign = "left";
      context.fillText(Gatelight.figure(low), EDGE - 8, HEIGHT - 6);
      context.textAlign = "right";
      context.fillText(Gatelight.figure(high), width - EDGE + 8, HEIGHT - 6);
    };

    return (view) => {
      const here = known.run === view.tape.run ? known : {};
      const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
      compute.disabled = Boolean(known.waiting);
      canvas.hidden = legend.hidden = !here.random;
      readout.dataset.kind = here.error ? "error" : "";
      readout.textContent = here.waiting ? say("waiting") : (here.error ?? say("invite"));
      if (!here.random) return;
      dots();
      const numbers = { average: here.average, random: mean(here.random), best: Math.min(...here.experts) };
      const said = Object.entries(numbers).map(([name, value]) => [name, Gatelight.figure(value)]);
      readout.textContent = say("told", { ...Object.fromEntries(said), n: here.random.length });
    };
  };

  (Gatelight.panels ??= []).push({ name: "routes", order: 7, side: "right", needs: "experts", mount });
})();
