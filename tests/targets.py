"""Targets that the guard of outbound requests must refuse, and targets that it must not."""

import socket

GUIDE = "http://127.0.0.1:8001/guide/"
PUBLIC = "93.184.215.14"

BAD_ADDRESSES = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255"),
    *("172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "169.254.0.1"),
    *("100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.1", "192.0.0.192", "192.0.2.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1"),
    *("::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1"),
    *("2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"),
    *("2606:4700::1111%1", "", "localhost", "8.8.8", "08.8.8.8", "8.8.8.8 "),
]
GOOD_ADDRESSES = [
    *(PUBLIC, "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1"),
    *("126.255.255.255", "128.0.0.1", "168.63.129.15", "169.253.255.255", "172.15.255.255"),
    *("172.32.0.1", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.1"),
    *("223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1"),
    *("2003::1", "2620:fe::fe", "3ffe::1"),
]
BAD_URLS = [
    *("", "site.test", "//site.test/", "/path", "http:", "http://", "http:///path", "http://?x"),
    *("ftp://site.test/", "file:///etc/passwd", "gopher://site.test/", "javascript:alert(1)"),
    *("data:text/html,x", "unix:/run/docker.sock", "ws://site.test/", "http+unix://x/"),
    *("http://site.test:22/", "http://site.test:8001/", "http://site.test:6379/"),
    *("https://site.test:8443/", "http://site.test:0/", "http://site.test:65616/"),
    *("http://site.test:-80/", "http://site.test:80:80/", "http://site.test:8\uff100/"),
    *("http://user@site.test/", "http://user:pass@site.test/", "http://@site.test/"),
    *("http://site.test@127.0.0.1/", "http://127.0.0.1@site.test/", "http://a:b@c@site.test/"),
    *("http://site.test\\@127.0.0.1/", "http:\\\\site.test/", "http://site.test\\.evil.test/"),
    *("http:// site.test/", "http://site.test/a b", "http://site.test/\r\nX: y", "\thttp://x.test"),
    *("http://site.test\x00.evil.test/", "http://site.test/\x7f", "http://site.test/\u00a0"),
    *("http://2130706433/", "http://134744072/", "http://0x7f000001/", "http://0x7f.1/"),
    *("http://0x08080808/", "http://127.1/", "http://8.8.2056/", "http://0177.0.0.1/"),
    *("http://010.8.8.8/", "http://08.8.8.8/", "http://8.8.8.8./", "http://1.2.3.4.5/"),
    *(
        "http://256.256.256.256/",
        "http://site.1/",
        "http://site.0x1/",
        "http://\uff11\uff12\uff17.0.0.1/",
    ),
    *(
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://%31%32%37.0.0.1/",
        "http://site%2etest/",
    ),
    *("http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[0:0:0:0:0:ffff:7f00:1]/"),
    *("http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[fe80::1%25eth0]/"),
    *("http://[2606:4700::1111%251]/", "http://[2606:4700:0:0:0:0:0:1111]/", "http://[v1.x]/"),
    *("http://[site.test]/", "http://[::1/", "http://site..test/", "http://site.test./"),
    *("http://.site.test/", "http://-site.test/", "http://si*te.test/", "http://sité\u2028.test/"),
    *("http://127.0.0.1/", "http://localhost/", "http://10.0.0.1/", "http://169.254.169.254/"),
    *("http://rebind.test/", "http://mixed.test/", "http://nowhere.test/"),
    *(f"http://{'a' * 64}.test/", f"http://{'a.' * 127}test/", f"http://site.test/{'a' * 70_000}"),
]
BAD_NEAR_THE_GUIDE = [
    *("http://127.0.0.1:8001/", "http://127.0.0.1:8001/tasks", "http://127.0.0.1:8001/guidex/"),
    *("http://127.0.0.1:8001/guide/../tasks", "http://127.0.0.1:8001/guide/%2e%2e/tasks"),
    *("http://127.0.0.1:8001/guide/.%2E/tasks", "http://127.0.0.1:8001/guide/%252e%252e/tasks"),
    *("http://127.0.0.1:8001/guide/..%2ftasks", "http://127.0.0.1:8001/guide/..%5ctasks"),
    *("http://127.0.0.1:8001/guide/%5c..%5ctasks", "http://127.0.0.1:8001/guide/..;/tasks"),
    *("http://127.0.0.1:8001/guide/%00", "http://127.0.0.1:8001/Guide/", "http://127.0.0.1/guide/"),
    *("https://127.0.0.1:8001/guide/", "http://127.0.0.1:8002/guide/", "http://[::1]:8001/guide/"),
    *("http://localhost:8001/guide/", "http://127.1:8001/guide/", "http://2130706433:8001/guide/"),
    *(
        "http://x@127.0.0.1:8001/guide/",
        "http://127.0.0.1:8001//guide/",
        "http://127.0.0.2:8001/guide/",
    ),
]
GOOD_URLS = [
    *("http://site.test", "http://site.test/", "https://site.test/", "HTTP://SITE.TEST/"),
    *(
        "http://site.test:80/",
        "https://site.test:443/a",
        "http://site.test:443/",
        "http://a.b.c.site.test/",
    ),
    *(
        "http://site.test/a/b?c=d&e=@f#g",
        "http://site.test/@user",
        "http://site.test/?x=http://y@z/",
    ),
    *(
        "http://site.test/a%20b",
        "http://site.test/%2e%2e/",
        "http://site.test//a",
        "http://münchen.test/",
    ),
    *(
        "http://xn--mnchen-3ya.test/",
        "http://1site.test/",
        "http://4.site.test/",
        "http://my_site.test/",
    ),
    *(
        "http://my-site.test/ü",
        "http://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "http://test/",
    ),
    *(GUIDE, "http://127.0.0.1:8001/guide", "http://127.0.0.1:8001/guide/a/b.html?x=y#z"),
    *("http://127.0.0.1:8001/guide/a/../b/", "http://127.0.0.1:8001/guide/sécurité/"),
]


def as_libc_reads(host: str) -> str:
    """A real resolver takes `0x7f.1` for 127.0.0.1 and 134744072 for a public address."""
    try:
        return host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return PUBLIC
