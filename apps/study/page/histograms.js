// SPDX-License-Identifier: MIT
// Histograms with a slider: through the depth of a network, or through epochs. Sliders of one kind move together.
'use strict';
fanin.histograms = (figure, data) => {
  const {say, state, make, checkbox, number} = fanin;
  const drawing = figure.querySelector('svg');
  const canvas = make('canvas', {role: 'img', 'aria-label': data.title});
  const caption = make('output', {class: 'frame-label', 'aria-live': 'polite'});
  const slider = make('input', {type: 'range', min: '0', max: String(Math.max(0, data.frames.length - 1)), step: '1',
                                value: '0', 'aria-label': data.slider_label});
  let logarithmic = false, fixed = false;
  const reach = {low: Math.min(...data.frames.flatMap((f) => f.series.map((s) => s.low))),
                 high: Math.max(...data.frames.flatMap((f) => f.series.map((s) => s.high)))};

  // The outline of the bins, as shares.
  function outline(s) {
    const sum = s.counts.reduce((a, b) => a + b, 0) || 1, width = (s.high - s.low) / s.counts.length;
    const floor = logarithmic ? 1e-6 : 0, share = (c) => Math.max(floor, c / sum);
    return [{x: s.low, y: floor},
            ...s.counts.flatMap((c, i) => [{x: s.low + i * width, y: share(c)}, {x: s.low + (i + 1) * width, y: share(c)}]),
            {x: s.high, y: floor}];
  }
  const datasets = (frame) => frame.series.map((s) => {
    const style = data.styles[s.name];
    return {label: s.name, data: outline(s), counts: s.counts, low: s.low, high: s.high,
            hidden: fanin.off(s.name), borderColor: style.colour, borderDash: style.dash, borderWidth: 2,
            pointRadius: 0, pointHitRadius: 4, fill: 'origin', backgroundColor: style.colour + '22'};
  });
  figure.querySelector('.drawing').hidden = true;
  figure.append(make('figcaption', {}, data.title), make('div', {class: 'slider'}, caption, slider),
                make('div', {class: 'chart short'}, canvas));
  const chart = new Chart(canvas, {
    type: 'line',
    data: {datasets: []},
    options: {
      animation: false, parsing: false, responsive: true, maintainAspectRatio: false,
      interaction: {mode: 'nearest', axis: 'x', intersect: false}, scales: {x: {type: 'linear'}, y: {type: 'linear'}},
      plugins: {legend: {display: false},
                tooltip: {callbacks: {title: (items) => (items.length ? number(items[0].parsed.x) : ''),
                                      label: (item) => item.dataset.label + ': ' + number(100 * item.parsed.y) + ' %'}}},
    },
  });
  function refresh() {
    const frame = data.frames[Number(slider.value)];
    if (!frame) return;
    const {ink, faint} = fanin.theme(), grid = {color: faint, borderColor: ink};
    chart.data.datasets = datasets(frame);
    chart.options.scales = {
      x: {type: 'linear', title: {display: true, text: data.x_label, color: ink},
          ticks: {color: ink, callback: (v) => number(v), maxRotation: 45}, grid,
          ...(fixed ? {min: reach.low, max: reach.high} : {})},
      y: {type: logarithmic ? 'logarithmic' : 'linear', min: logarithmic ? 1e-5 : 0,
          title: {display: true, text: say('share of values', '占比'), color: ink},
          ticks: {color: ink, callback: (v) => number(v)}, grid},
    };
    chart.update('none');
    caption.value = data.slider_label + ': ' + frame.label + ' (' + (Number(slider.value) + 1) + '/' +
        data.frames.length + ')';
    slider.setAttribute('aria-valuetext', frame.label);
  }
  slider.addEventListener('input', () => {
    const frame = data.frames[Number(slider.value)];
    state.frames.set(data.slider_label, frame.label);
    fanin.change();
  });
  const controls = make('div', {class: 'controls'},
      checkbox(say('log shares', '占比取对数'), false, (on) => {
        logarithmic = on;
        refresh();
      }),
      checkbox(say('the same axis for all', '所有图同一横轴'), false, (on) => {
        fixed = on;
        refresh();
      }));
  const rows = () => [[data.slider_label, 'series', 'from', 'to', 'count'],
                      ...data.frames.flatMap((f) => f.series.flatMap((s) => s.counts.map((c, i) => {
                        const width = (s.high - s.low) / s.counts.length;
                        return [f.label, s.name, s.low + i * width, s.low + (i + 1) * width, c];
                      })))];
  figure.append(fanin.legend(Object.entries(data.styles).map(([name, style]) => ({group: name, name, style})), false), controls,
                fanin.downloads(figure, data.title, () => drawing, rows));
  fanin.followState(drawing);
  fanin.watch(() => {
    const wanted = state.frames.get(data.slider_label), index = data.frames.findIndex((f) => f.label === wanted);
    if (index >= 0) slider.value = String(index);
    refresh();
  });
  refresh();
};
