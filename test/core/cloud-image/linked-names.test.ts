import { expect, it } from "vitest";
import { linkedNames } from "../../../core/cloud-image/linked-names.ts";

it.each<[string, string, readonly string[]]>([
  ["nginx", '<h1>Index of /images/</h1><hr><pre><a href="../">../</a>\n<a href="latest/">latest/</a>   15-Jul-2026 03:13   -\n<a href="v20260715.556894/">v20260715.556894/</a>  15-Jul-2026 03:13  -\n</pre>', ["latest/", "v20260715.556894/"]],
  ["Apache", '<tr><th><a href="?C=N;O=D">Name</a></th></tr>\n<tr><td><a href="/images/cloud/">Parent Directory</a></td></tr>\n<tr><td><img src="/icons/folder.gif"></td><td><a href="20260712-2537/">20260712-2537/</a></td></tr>', ["cloud/", "20260712-2537/"]],
  ["MirrorCache", '<a href="./Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2">Leap</a><a href="./Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2.sha256">sum</a>', ["Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2", "Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2.sha256"]],
  ["whole paths", "<A HREF='/pub/rocky/10.2/'>10.2</A> <a class=x href=/pub/rocky/9.6/>9.6</a> <a href=\"https://example.org/x.img?mirror=1#top\">x</a>", ["10.2/", "9.6/", "x.img"]],
  ["escapes", '<a href="a%2Bb.img">a+b</a><a href="100%.img">odd</a><a href="a&amp;b">a&b</a>', ["a+b.img", "100%.img", "a&b"]],
  ["the same name twice", '<a href="x/"><img></a><a href="x/">x</a>', ["x/"]],
  ["no links", "<html><body>It works!</body></html>", []],
])("names are read off a page of %s", (_, page, names) => expect(linkedNames(page)).toEqual(names));
