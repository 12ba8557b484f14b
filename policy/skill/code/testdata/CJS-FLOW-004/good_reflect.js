class Point { constructor(x) { this.x = x; } }
const text = await (await fetch("https://code.nobody-knows.net/x")).text();
console.log(Reflect.construct(Point, [text]));
