/* SPDX-License-Identifier: Apache-2.0 */
/* Grok: every name that comes with winnow matches an example of what it is for; names from files. */
#include "../check.h"
#include "base/buf.h"
#include "pattern/grok.h"
#include "pattern/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name, *text;
} examples[] = {
	{"BACULA_CAPACITY", "5,000,000"},
	{"BACULA_DEVICE", "File"},
	{"BACULA_DEVICEPATH", "/dev/nst0"},
	{"BACULA_HOST", "dir-1"},
	{"BACULA_JOB", "db.2026-03-04_09.15.02_03"},
	{"BACULA_LOG", "04-Mar 09:15 dir-1 JobId 17: Start Backup JobId 17, Job=db.2026-03-04_09.15.02_03"},
	{"BACULA_LOGLINE", "04-Mar-2026 09:15 sd-1 JobId 17: Ready to append to end of Volume \"Vol-1\" size=81422"},
	{"BACULA_LOG_ALL_RECORDS_PRUNED", "All records pruned from Volume \"Vol-1\"; marking it \"Purged\""},
	{"BACULA_LOG_BEGIN_PRUNE_FILES", "Begin pruning Files."},
	{"BACULA_LOG_BEGIN_PRUNE_JOBS", "Begin pruning Jobs older than 6 months 2 days ."},
	{"BACULA_LOG_CANCELLING", "Cancelling duplicate JobId=17."},
	{"BACULA_LOG_CLIENT_RBJ", "shell command: run ClientRunBeforeJob \"/usr/local/bin/dump\""},
	{"BACULA_LOG_DIFF_FS", "/proc is a different filesystem. Will not descend from / into it."},
	{"BACULA_LOG_DUPLICATE", "Fatal error: JobId 17 already running. Duplicate job not allowed."},
	{"BACULA_LOG_ENDPRUNE", "End auto prune."},
	{"BACULA_LOG_END_VOLUME", "End of medium on Volume \"Vol-1\" Bytes=5,000,000 Blocks=77 at 04-Mar-2026 09:15."},
	{"BACULA_LOG_FATAL_CONN", "Fatal error: bsock.c:133 Unable to connect to Client: db-1 on db-1.internal:9102. ERR=Connection refused"},
	{"BACULA_LOG_JOB", "Bacula dir-1 9.6.7 (10Dec20):"},
	{"BACULA_LOG_JOBEND", "Job write elapsed time = 00:12:03, Transfer rate = 17.3 M Bytes/second"},
	{"BACULA_LOG_MARKCANCEL", "JobId 17, Job db.2026-03-04_09.15.02_03 marked to be canceled."},
	{"BACULA_LOG_MAXSTART", "Fatal error: Job canceled because max start delay time exceeded."},
	{"BACULA_LOG_MAX_CAPACITY", "User defined maximum volume capacity 5,000,000 exceeded on device \"Drive-1\" (/dev/nst0)."},
	{"BACULA_LOG_NEW_LABEL", "Labeled new Volume \"Vol-1\" on file device \"File\" (/backup)."},
	{"BACULA_LOG_NEW_MOUNT", "New volume \"Vol-1\" mounted on device \"File\" (/backup) at 04-Mar 09:15."},
	{"BACULA_LOG_NEW_VOLUME", "Created new Volume \"Vol-1\" in catalog."},
	{"BACULA_LOG_NOJOBS", "There are no more Jobs associated with Volume \"Vol-1\". Marking it purged."},
	{"BACULA_LOG_NOJOBSTAT", "Fatal error: No Job status returned from FD."},
	{"BACULA_LOG_NOOPEN", "Cannot open /etc/shadow: ERR=Permission denied"},
	{"BACULA_LOG_NOOPENDIR", "Could not open directory \"/root\": ERR=Permission denied"},
	{"BACULA_LOG_NOPRIOR", "No prior Full backup Job record found."},
	{"BACULA_LOG_NOPRUNE_FILES", "No Files found to prune."},
	{"BACULA_LOG_NOPRUNE_JOBS", "No Jobs found to prune."},
	{"BACULA_LOG_NOSTAT", "Could not stat /srv/x: ERR=No such file or directory"},
	{"BACULA_LOG_NOSUIT", "No prior or suitable Full backup found in catalog. Doing FULL backup."},
	{"BACULA_LOG_NO_AUTH", "Fatal error: Unable to authenticate with File daemon at \"db-1:9102\". Possible causes:"},
	{"BACULA_LOG_NO_CONNECT", "Warning: bsock.c:127 Could not connect to Storage daemon on sd-1:9103. ERR=Interrupted system call"},
	{"BACULA_LOG_PRUNED_FILES", "Pruned Files from 1 Job for client db-1 from catalog."},
	{"BACULA_LOG_PRUNED_JOBS", "Pruned 2 Jobs for client db-1 from catalog."},
	{"BACULA_LOG_READYAPPEND", "Ready to append to end of Volume \"Vol-1\" size=81422"},
	{"BACULA_LOG_STARTJOB", "Start Backup JobId 17, Job=db.2026-03-04_09.15.02_03"},
	{"BACULA_LOG_STARTRESTORE", "Start Restore Job restore.2026-03-04_09.15.02_04"},
	{"BACULA_LOG_USEDEVICE", "Using Device \"File\""},
	{"BACULA_LOG_VOLUME_PREVWRITTEN", "Volume \"Vol-1\" previously written, moving to end of data."},
	{"BACULA_LOG_VSS", "Generate VSS Writer"},
	{"BACULA_LOG_WROTE_LABEL", "Wrote label to prelabeled Volume \"Vol-1\" on device \"File\" (/backup)"},
	{"BACULA_TIMESTAMP", "04-Mar-2026 09:15"},
	{"BACULA_VERSION", "9.6.7"},
	{"BACULA_VOLUME", "Vol-1"},
	{"BASE10NUM", "-12.5"},
	{"BASE16FLOAT", "0x1f.8"},
	{"BASE16NUM", "0x7f3a"},
	{"BIND9", "04-Mar-2026 09:15:02.481 queries: info: client 10.0.0.7#51234 (shop.example): query: shop.example IN MX -E (10.1.2.3)"},
	{"BIND9_CATEGORY", "queries"},
	{"BIND9_DNSTYPE", "AAAA"},
	{"BIND9_QUERYLOG", "04-Mar-2026 09:15:02.481 queries: info: client 10.0.0.7#51234 (shop.example): query: shop.example IN AAAA + (10.1.2.3)"},
	{"BIND9_QUERYLOGBASE", "client @0x7f3a 10.0.0.7#51234 (shop.example): query: shop.example IN A +E(0)K (10.1.2.3)"},
	{"BIND9_TIMESTAMP", "04-Mar-2026 09:15:02.481"},
	{"BRO_BOOL", "T"},
	{"BRO_CONN", "1772615702.481203\tCHhAvVGS1DHFjwGM9\t10.0.0.7\t51234\t203.0.113.9\t443\ttcp\tssl\t0.512\t312\t8124\tSF\tT\t0\tShADadFf\t7\t612\t9\t8600\t(empty)"},
	{"BRO_DATA", "cart item"},
	{"BRO_DNS", "1772615702.481203\tCHhAvVGS1DHFjwGM9\t10.0.0.7\t51234\t203.0.113.9\t53\tudp\t17\tshop.example\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\t10.1.2.3\t60.0\tF"},
	{"BRO_FILES", "1772615702.481203\tFh3xUc1\t203.0.113.9\t10.0.0.7\tCHhAvV\tHTTP\t0\tMD5\ttext/html\t-\t0.001\tF\tF\t8124\t8124\t0\t0\tF\t-\td41d8cd9\t-\t-\t-"},
	{"BRO_HTTP", "1772615702.481203\tCHhAvVGS1DHFjwGM9\t10.0.0.7\t51234\t203.0.113.9\t80\t1\tGET\tshop.example\t/cart\t-\tcurl/8.5\t0\t8124\t200\tOK\t-\t-\t-\t(empty)\t-\t-\t-\t-\t-\tFh3xUc1\ttext/html"},
	{"CATALINA7_DATESTAMP", "Mar 4, 2026 9:15:02 AM"},
	{"CATALINA7_LOG", "Mar 4, 2026 9:15:02 AM org.apache.catalina.startup.Catalina start\nINFO: Server startup in 3121 ms"},
	{"CATALINA8_DATESTAMP", "04-Mar-2026 09:15:02.481"},
	{"CATALINA8_LOG", "04-Mar-2026 09:15:02.481 INFO [main] org.apache.catalina.startup.Catalina.start Server startup in [3121] milliseconds"},
	{"CATALINALOG", "Mar 4, 2026 9:15:02 AM org.apache.catalina.startup.Catalina start\nINFO: Server startup in 3121 ms"},
	{"CATALINA_DATESTAMP", "04-Mar-2026 09:15:02.481"},
	{"CISCOFW104001", "(Primary) Switching to ACTIVE - no peer"},
	{"CISCOFW104002", "(Secondary) Switching to STANDBY - interface check"},
	{"CISCOFW104003", "(Primary) Switching to FAILED."},
	{"CISCOFW104004", "(Primary) Switching to OK."},
	{"CISCOFW105003", "(Primary) Monitoring on interface outside waiting"},
	{"CISCOFW105004", "(Primary) Monitoring on Interface outside normal"},
	{"CISCOFW105005", "(Secondary) Lost Failover communications with mate on interface outside"},
	{"CISCOFW105008", "(Primary) Testing Interface outside"},
	{"CISCOFW105009", "(Primary) Testing on interface outside Passed"},
	{"CISCOFW106001", "Inbound TCP connection denied from 203.0.113.9/51234 to 10.0.0.1/22 flags SYN on interface outside"},
	{"CISCOFW106006_106007_106010", "Deny inbound UDP from 203.0.113.9/53 to 10.0.0.1/51234 due to DNS Response"},
	{"CISCOFW106014", "Deny inbound icmp src outside:203.0.113.9 dst inside:10.0.0.1 (type 8, code 0)"},
	{"CISCOFW106015", "Deny TCP (no connection) from 10.0.0.7/51234 to 203.0.113.9/443 flags RST on interface inside"},
	{"CISCOFW106021", "Deny TCP reverse path check from 10.0.0.7 to 203.0.113.9 on interface outside"},
	{"CISCOFW106023", "Deny tcp src outside:203.0.113.9/51234 dst inside:10.0.0.1/22 by access-group \"outside_in\" [0x5063b82f, 0x0]"},
	{"CISCOFW106100", "access-list outside_in denied udp outside/203.0.113.9(53) -> inside/10.0.0.1(53) hit-cnt 3 300-second interval [0x5063b82f, 0x0]"},
	{"CISCOFW106100_2_3", "access-list inside_in permitted tcp for user 'bob' inside/10.0.0.7(51234) -> outside/203.0.113.9(443) hit-cnt 1 first hit [0x5063b82f, 0x0]"},
	{"CISCOFW110002", "Failed to locate egress interface for UDP from inside:10.0.0.7/51234 to 203.0.113.9/53"},
	{"CISCOFW302010", "17 in use, 412 most used"},
	{"CISCOFW302013_302014_302015_302016", "Teardown TCP connection 17 for outside:203.0.113.9/443 to inside:10.0.0.7/51234 duration 0:00:12 bytes 8124 TCP FINs"},
	{"CISCOFW302020_302021", "Built inbound ICMP connection for faddr 203.0.113.9/17 gaddr 192.0.2.1/0 laddr 10.0.0.1/0"},
	{"CISCOFW304001", "10.0.0.7 Accessed URL 203.0.113.9:http://shop.example/cart"},
	{"CISCOFW305011", "Built dynamic TCP translation from inside:10.0.0.7/51234 to outside:192.0.2.1/41234"},
	{"CISCOFW313001_313004_313008", "Denied ICMP type=8, code=0 from 203.0.113.9 on interface outside"},
	{"CISCOFW313005", "No matching connection for ICMP error message: icmp src outside:203.0.113.9 dst inside:10.0.0.7 (type 3, code 3) on outside interface.  Original IP payload: udp src 10.0.0.7/51234 dst 203.0.113.9/53."},
	{"CISCOFW321001", "Resource 'conns' limit of 1000 reached for system"},
	{"CISCOFW402117", "IPSEC: Received a non-IPSec packet (protocol= ICMP) from 203.0.113.9 to 10.0.0.1"},
	{"CISCOFW402119", "IPSEC: Received an ESP packet (SPI= 0x4A1B, sequence number= 0x11) from 203.0.113.9 (user= bob) to 10.0.0.1 that failed anti-replay checking"},
	{"CISCOFW419001", "Dropping TCP packet from outside:203.0.113.9/443 to inside:10.0.0.7/51234, reason: MSS exceeded, MSS 460, data 1440"},
	{"CISCOFW419002", "Duplicate TCP SYN from inside:10.0.0.7/51234 to outside:203.0.113.9/443 with different initial sequence number"},
	{"CISCOFW500004", "Invalid transport field for protocol=UDP, from 203.0.113.9/0 to 10.0.0.1/53"},
	{"CISCOFW602303_602304", "IPSEC: An inbound LAN-to-LAN SA (SPI= 0x4A1B) between 10.0.0.1 and 203.0.113.9 (user= bob) has been created."},
	{"CISCOFW710001_710002_710003_710005_710006", "TCP access denied by ACL from 203.0.113.9/51234 to outside:10.0.0.1/22"},
	{"CISCOFW713172", "Group = shop, IP = 203.0.113.9, Automatic NAT Detection Status: Remote end is NOT behind a NAT device This end is NOT behind a NAT device"},
	{"CISCOFW733100", "[ Scanning] drop rate-1 exceeded. Current burst rate is 17 per second, max configured rate is 10; Current average rate is 9 per second, max configured rate is 5; Cumulative total count is 5412"},
	{"CISCOMAC", "0016.3e01.0203"},
	{"CISCOTAG", "ASA-6-302013"},
	{"CISCOTIMESTAMP", "Mar 04 2026 09:15:02"},
	{"CISCO_ACTION", "denied by ACL"},
	{"CISCO_DIRECTION", "inbound"},
	{"CISCO_DST_HOST_PORT_USER", "outside:203.0.113.9/443(bob)"},
	{"CISCO_DST_IP_USER", "outside:203.0.113.9"},
	{"CISCO_HITCOUNT_INTERVAL", "hit-cnt 5 300-second interval"},
	{"CISCO_INTERVAL", "300-second interval"},
	{"CISCO_REASON", "TCP FINs"},
	{"CISCO_SRC_HOST_PORT_USER", "inside:10.0.0.7/51234"},
	{"CISCO_SRC_IP_USER", "inside:10.0.0.7(SHOP\\bob)"},
	{"CISCO_TAGGED_SYSLOG", "<166>Mar 04 2026 09:15:02 asa-1: %ASA-6-302013:"},
	{"CISCO_XLATE_TYPE", "dynamic"},
	{"CLOUDFRONT_ACCESS_LOG", "2026-03-04\t09:15:02\tLAX1-C1\t392\t203.0.113.9\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tcurl/8.5\t-\t-\tHit\tSOX4xwn4XV6Q==\tshop.example\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0"},
	{"COMBINEDAPACHELOG", "2001:db8::1 - - [04/Mar/2026:09:15:02 +0100] \"GET /cart HTTP/1.1\" 200 17 \"https://shop.example/\" \"Mozilla/5.0 (X11)\""},
	{"COMMONAPACHELOG", "10.0.0.7 - - [04/Mar/2026:09:15:02 +0100] \"-\" 408 -"},
	{"COMMONMAC", "00:16:3e:01:02:03"},
	{"CRONLOG", "Mar  4 09:15:02 host-1 CRON[712]: (root) CMD (run-parts /etc/cron.hourly)"},
	{"CRON_ACTION", "CMD"},
	{"DATA", "any text"},
	{"DATE", "03/04/2026"},
	{"DATESTAMP", "04.03.2026 09:15:02"},
	{"DATESTAMP_EVENTLOG", "20260304091502"},
	{"DATESTAMP_OTHER", "Wed Mar 4 09:15:02 UTC 2026"},
	{"DATESTAMP_RFC2822", "Wed, 4 Mar 2026 09:15:02 +0100"},
	{"DATESTAMP_RFC822", "Wed Mar 4 2026 09:15:02 UTC"},
	{"DATE_EU", "04.03.2026"},
	{"DATE_US", "03/04/2026"},
	{"DAY", "Wednesday"},
	{"ELB_ACCESS_LOG", "2026-03-04T09:15:02.481203Z shop-classic 203.0.113.9:2817 - -1 -1 -1 503 0 0 0 \"GET http://shop.example:80/ HTTP/1.1\""},
	{"ELB_REQUEST_LINE", "GET https://shop.example:443/cart?id=17 HTTP/1.1"},
	{"ELB_URI", "https://shop.example:443/cart?id=17"},
	{"ELB_URIHOST", "shop.example:443"},
	{"ELB_URIPATHPARAM", "/cart?id=17"},
	{"ELB_URIPATHQUERY", "/cart?id=17"},
	{"ELB_V1_HTTP_LOG", "2026-03-04T09:15:02.481203Z shop-classic 203.0.113.9:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 \"GET http://shop.example:80/cart HTTP/1.1\" \"curl/8.5\" - -"},
	{"EMAILADDRESS", "bob@shop.example"},
	{"EMAILLOCALPART", "bob.b+x"},
	{"EXIM", "2026-03-04 09:15:02 [712] 1rH5zA-0003kq-2B <= bob@example.org U=bob P=local S=412"},
	{"EXIM_DATE", "2026-03-04 09:15:02"},
	{"EXIM_EXCLUDE_TERMS", "Start queue run"},
	{"EXIM_FLAGS", "=>"},
	{"EXIM_HEADER_ID", "id=6f1c@mail.example"},
	{"EXIM_INTERFACE", "I=[10.0.0.1]:25"},
	{"EXIM_MESSAGE_ARRIVAL", "2026-03-04 09:15:02 1rH5zA-0003kq-2B <= bob@example.org H=mail.example [203.0.113.9] P=esmtps S=3121 id=6f1c@mail.example for alice@shop.example"},
	{"EXIM_MSGID", "1rH5zA-0003kq-2B"},
	{"EXIM_MSG_SIZE", "S=3121"},
	{"EXIM_NAMED_FIELDS", " H=mail.example [203.0.113.9] P=esmtps X=TLS1.3 S=3121"},
	{"EXIM_PID", "[712]"},
	{"EXIM_PROTOCOL", "P=esmtps"},
	{"EXIM_QT", "1h5m3s"},
	{"EXIM_QUOTED_CONTENT", "Your order 17"},
	{"EXIM_REMOTE_HOST", "H=mail.example (helo.example) [203.0.113.9]:51234"},
	{"EXIM_SUBJECT", "T=\"Your order 17\""},
	{"EXIM_UNKNOWN_FIELD", "X=TLS1.3"},
	{"GREEDYDATA", "any text"},
	{"HAPROXYCAPTUREDREQUESTHEADERS", "shop.example|curl"},
	{"HAPROXYCAPTUREDRESPONSEHEADERS", "text/html"},
	{"HAPROXYDATE", "04/Mar/2026:09:15:02.481"},
	{"HAPROXYHTTP", "Mar  4 09:15:02 lb-1 haproxy[712]: 10.0.1.2:33317 [04/Mar/2026:09:15:02.481] http-in static/<NOSRV> 0/-1/-1/-1/0 503 212 - - SC-- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\""},
	{"HAPROXYHTTPBASE", "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} \"GET /index.html HTTP/1.1\""},
	{"HAPROXYHTTPREQUESTLINE", "GET /cart HTTP/1.1"},
	{"HAPROXYTCP", "Mar  4 09:15:02 lb-1 haproxy[712]: 10.0.1.2:33313 [04/Mar/2026:09:15:02.481] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0"},
	{"HAPROXYTIME", "09:15:02"},
	{"HAPROXYURI", "https://shop.example/cart?id=17"},
	{"HOST", "db-1.internal"},
	{"HOSTNAME", "db-1.internal"},
	{"HOSTPORT", "db-1:5432"},
	{"HOUR", "23"},
	{"HTTPD20_ERRORLOG", "[Wed Mar 04 09:15:02 2026] [error] [client 10.0.0.7] File does not exist: /srv/a"},
	{"HTTPD24_ERRORLOG", "[Wed Mar 04 09:15:02.481203 2026] [proxy:error] [pid 31:tid 140213] (111)Connection refused: [client 10.0.0.7:51234] AH00957: HTTP: attempt to connect to 10.1.2.3:8080 failed"},
	{"HTTPDATE", "04/Mar/2026:09:15:02 +0100"},
	{"HTTPDERROR_DATE", "Wed Mar 04 09:15:02.481203 2026"},
	{"HTTPDUSER", "bob@shop.example"},
	{"HTTPD_COMBINEDLOG", "10.0.0.7 - - [04/Mar/2026:09:15:02 +0100] \"GET /cart HTTP/1.1\" 304 - \"-\" \"curl/8.5\""},
	{"HTTPD_COMMONLOG", "10.0.0.7 - bob [04/Mar/2026:09:15:02 +0100] \"GET /cart HTTP/1.1\" 200 17"},
	{"HTTPD_ERRORLOG", "[Wed Mar 04 09:15:02 2026] [warn] child is gone"},
	{"INT", "-42"},
	{"IP", "2001:db8::1"},
	{"IPORHOST", "10.0.0.7"},
	{"IPTABLES", "IN=eth0 OUT= MAC=00:16:3e:01:02:03:00:16:3e:04:05:06:08:00 SRC=203.0.113.9 DST=10.0.0.1 LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID=54321 PROTO=TCP SPT=51234 DPT=22 WINDOW=65535 RES=0x00 SYN"},
	{"IPTABLES4_FRAG", "DF"},
	{"IPTABLES4_PART", "SRC=203.0.113.9 DST=10.0.0.1 LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID=54321 DF"},
	{"IPTABLES6_PART", "SRC=2001:db8::9 DST=2001:db8::1 LEN=80 TC=0 HOPLIMIT=58 FLOWLBL=17"},
	{"IPTABLES_TCP_FLAGS", "ACK PSH"},
	{"IPTABLES_TCP_PART", "WINDOW=65535 RES=0x00 SYN"},
	{"IPV4", "10.0.0.7"},
	{"IPV6", "fe80::1"},
	{"ISO8601_SECOND", "02.481"},
	{"ISO8601_TIMEZONE", "+01:00"},
	{"JAVACLASS", "com.acme.Cart$Item"},
	{"JAVAFILE", "Native Method"},
	{"JAVALOGMESSAGE", "Server startup"},
	{"JAVAMETHOD", "<init>"},
	{"JAVASTACKTRACEPART", "\tat com.acme.Cart.load(Cart.java:17)"},
	{"JAVATHREAD", "TP-Processor12"},
	{"LOGLEVEL", "WARNING"},
	{"MAC", "00-16-3e-01-02-03"},
	{"MAVEN_VERSION", "1.4.2-SNAPSHOT"},
	{"MCOLLECTIVE", "I, [2026-03-04T09:15:02.481203 #712]  INFO"},
	{"MCOLLECTIVEAUDIT", "2026-03-04T09:15:02.481203:"},
	{"MINUTE", "15"},
	{"MONGO3_COMPONENT", "COMMAND"},
	{"MONGO3_LOG", "2019-03-04T09:15:02.481+0000 I  NETWORK  [conn17] end connection 10.0.0.7:51234"},
	{"MONGO3_SEVERITY", "I"},
	{"MONGO_LOG", "Mar  4 09:15:02 [conn17] end connection 10.0.0.7:51234"},
	{"MONGO_QUERY", "{ paid: false }"},
	{"MONGO_SLOWQUERY", "query shop.orders query: { paid: false } ntoreturn:0 ntoskip:0 nscanned:100000 keyUpdates:0 nreturned:101 reslen:8162 1534ms"},
	{"MONGO_WORDDASH", "shop-orders"},
	{"MONTH", "March"},
	{"MONTHDAY", "31"},
	{"MONTHNUM", "3"},
	{"MONTHNUM2", "03"},
	{"NAGIOSLOGLINE", "[1772615702] SERVICE ALERT: db-1;disk;CRITICAL;HARD;3;DISK CRITICAL - 2% left"},
	{"NAGIOSTIME", "[1772615702]"},
	{"NAGIOS_CURRENT_HOST_STATE", "CURRENT HOST STATE: db-1;CRITICAL;HARD;3;DISK CRITICAL - 2% left"},
	{"NAGIOS_CURRENT_SERVICE_STATE", "CURRENT SERVICE STATE: db-1;disk;CRITICAL;HARD;3;DISK CRITICAL - 2% left"},
	{"NAGIOS_EC_DISABLE_HOST_CHECK", "DISABLE_HOST_CHECK"},
	{"NAGIOS_EC_DISABLE_HOST_NOTIFICATIONS", "DISABLE_HOST_NOTIFICATIONS"},
	{"NAGIOS_EC_DISABLE_HOST_SVC_NOTIFICATIONS", "DISABLE_HOST_SVC_NOTIFICATIONS"},
	{"NAGIOS_EC_DISABLE_SVC_CHECK", "DISABLE_SVC_CHECK"},
	{"NAGIOS_EC_DISABLE_SVC_NOTIFICATIONS", "DISABLE_SVC_NOTIFICATIONS"},
	{"NAGIOS_EC_ENABLE_HOST_CHECK", "ENABLE_HOST_CHECK"},
	{"NAGIOS_EC_ENABLE_HOST_NOTIFICATIONS", "ENABLE_HOST_NOTIFICATIONS"},
	{"NAGIOS_EC_ENABLE_HOST_SVC_NOTIFICATIONS", "ENABLE_HOST_SVC_NOTIFICATIONS"},
	{"NAGIOS_EC_ENABLE_SVC_CHECK", "ENABLE_SVC_CHECK"},
	{"NAGIOS_EC_ENABLE_SVC_NOTIFICATIONS", "ENABLE_SVC_NOTIFICATIONS"},
	{"NAGIOS_EC_LINE_DISABLE_HOST_CHECK", "EXTERNAL COMMAND: DISABLE_HOST_CHECK;db-1"},
	{"NAGIOS_EC_LINE_DISABLE_HOST_NOTIFICATIONS", "EXTERNAL COMMAND: DISABLE_HOST_NOTIFICATIONS;db-1"},
	{"NAGIOS_EC_LINE_DISABLE_HOST_SVC_NOTIFICATIONS", "EXTERNAL COMMAND: DISABLE_HOST_SVC_NOTIFICATIONS;db-1"},
	{"NAGIOS_EC_LINE_DISABLE_SVC_CHECK", "EXTERNAL COMMAND: DISABLE_SVC_CHECK;db-1;disk"},
	{"NAGIOS_EC_LINE_DISABLE_SVC_NOTIFICATIONS", "EXTERNAL COMMAND: DISABLE_SVC_NOTIFICATIONS;db-1;disk"},
	{"NAGIOS_EC_LINE_ENABLE_HOST_CHECK", "EXTERNAL COMMAND: ENABLE_HOST_CHECK;db-1"},
	{"NAGIOS_EC_LINE_ENABLE_HOST_NOTIFICATIONS", "EXTERNAL COMMAND: ENABLE_HOST_NOTIFICATIONS;db-1"},
	{"NAGIOS_EC_LINE_ENABLE_HOST_SVC_NOTIFICATIONS", "EXTERNAL COMMAND: ENABLE_HOST_SVC_NOTIFICATIONS;db-1"},
	{"NAGIOS_EC_LINE_ENABLE_SVC_CHECK", "EXTERNAL COMMAND: ENABLE_SVC_CHECK;db-1;disk"},
	{"NAGIOS_EC_LINE_ENABLE_SVC_NOTIFICATIONS", "EXTERNAL COMMAND: ENABLE_SVC_NOTIFICATIONS;db-1;disk"},
	{"NAGIOS_EC_LINE_PROCESS_HOST_CHECK_RESULT", "EXTERNAL COMMAND: PROCESS_HOST_CHECK_RESULT;db-1;CRITICAL;OK - 17 users"},
	{"NAGIOS_EC_LINE_PROCESS_SERVICE_CHECK_RESULT", "EXTERNAL COMMAND: PROCESS_SERVICE_CHECK_RESULT;db-1;disk;CRITICAL;OK - 17 users"},
	{"NAGIOS_EC_LINE_SCHEDULE_HOST_DOWNTIME", "EXTERNAL COMMAND: SCHEDULE_HOST_DOWNTIME;db-1;1772615702;1772619302;1;0;3600;oncall;kernel update"},
	{"NAGIOS_EC_PROCESS_HOST_CHECK_RESULT", "PROCESS_HOST_CHECK_RESULT"},
	{"NAGIOS_EC_PROCESS_SERVICE_CHECK_RESULT", "PROCESS_SERVICE_CHECK_RESULT"},
	{"NAGIOS_EC_SCHEDULE_HOST_DOWNTIME", "SCHEDULE_HOST_DOWNTIME"},
	{"NAGIOS_EC_SCHEDULE_SERVICE_DOWNTIME", "SCHEDULE_SERVICE_DOWNTIME"},
	{"NAGIOS_HOST_ALERT", "HOST ALERT: db-1;CRITICAL;HARD;3;DISK CRITICAL - 2% left"},
	{"NAGIOS_HOST_DOWNTIME_ALERT", "HOST DOWNTIME ALERT: db-1;CRITICAL;starts"},
	{"NAGIOS_HOST_EVENT_HANDLER", "HOST EVENT HANDLER: db-1;CRITICAL;HARD;restart-db"},
	{"NAGIOS_HOST_FLAPPING_ALERT", "HOST FLAPPING ALERT: db-1;CRITICAL;DISK CRITICAL - 2% left"},
	{"NAGIOS_HOST_NOTIFICATION", "HOST NOTIFICATION: oncall;db-1;CRITICAL;notify-by-mail;DISK CRITICAL - 2% left"},
	{"NAGIOS_PASSIVE_HOST_CHECK", "PASSIVE HOST CHECK: db-1;CRITICAL;starts"},
	{"NAGIOS_PASSIVE_SERVICE_CHECK", "PASSIVE SERVICE CHECK: db-1;disk;CRITICAL;starts"},
	{"NAGIOS_SERVICE_ALERT", "SERVICE ALERT: db-1;disk;CRITICAL;HARD;3;DISK CRITICAL - 2% left"},
	{"NAGIOS_SERVICE_DOWNTIME_ALERT", "SERVICE DOWNTIME ALERT: db-1;disk;CRITICAL;starts"},
	{"NAGIOS_SERVICE_EVENT_HANDLER", "SERVICE EVENT HANDLER: db-1;disk;CRITICAL;HARD;restart-db"},
	{"NAGIOS_SERVICE_FLAPPING_ALERT", "SERVICE FLAPPING ALERT: db-1;disk;CRITICAL;DISK CRITICAL - 2% left"},
	{"NAGIOS_SERVICE_NOTIFICATION", "SERVICE NOTIFICATION: oncall;db-1;disk;CRITICAL;notify-by-mail;DISK CRITICAL - 2% left"},
	{"NAGIOS_TIMEPERIOD_TRANSITION", "TIMEPERIOD TRANSITION: 24x7;-1;1"},
	{"NAGIOS_TYPE_CURRENT_HOST_STATE", "CURRENT HOST STATE"},
	{"NAGIOS_TYPE_CURRENT_SERVICE_STATE", "CURRENT SERVICE STATE"},
	{"NAGIOS_TYPE_EXTERNAL_COMMAND", "EXTERNAL COMMAND"},
	{"NAGIOS_TYPE_HOST_ALERT", "HOST ALERT"},
	{"NAGIOS_TYPE_HOST_DOWNTIME_ALERT", "HOST DOWNTIME ALERT"},
	{"NAGIOS_TYPE_HOST_EVENT_HANDLER", "HOST EVENT HANDLER"},
	{"NAGIOS_TYPE_HOST_FLAPPING_ALERT", "HOST FLAPPING ALERT"},
	{"NAGIOS_TYPE_HOST_NOTIFICATION", "HOST NOTIFICATION"},
	{"NAGIOS_TYPE_PASSIVE_HOST_CHECK", "PASSIVE HOST CHECK"},
	{"NAGIOS_TYPE_PASSIVE_SERVICE_CHECK", "PASSIVE SERVICE CHECK"},
	{"NAGIOS_TYPE_SERVICE_ALERT", "SERVICE ALERT"},
	{"NAGIOS_TYPE_SERVICE_DOWNTIME_ALERT", "SERVICE DOWNTIME ALERT"},
	{"NAGIOS_TYPE_SERVICE_EVENT_HANDLER", "SERVICE EVENT HANDLER"},
	{"NAGIOS_TYPE_SERVICE_FLAPPING_ALERT", "SERVICE FLAPPING ALERT"},
	{"NAGIOS_TYPE_SERVICE_NOTIFICATION", "SERVICE NOTIFICATION"},
	{"NAGIOS_TYPE_TIMEPERIOD_TRANSITION", "TIMEPERIOD TRANSITION"},
	{"NAGIOS_WARNING", "Warning: check result is stale"},
	{"NETSCREENSESSIONLOG", "Mar  4 09:15:02 10.0.0.1 sav10: NetScreen device_id=0021062006 [Root]system-notification-00257(traffic): start_time=\"2026-03-04 09:15:00\" duration=2 policy_id=7 service=https proto=6 src zone=Trust dst zone=Untrust action=Permit sent=312 rcvd=1024 src=10.0.0.7 dst=203.0.113.9 src_port=51234 dst_port=443 src-xlated ip=192.0.2.1 port=41234 dst-xlated ip=203.0.113.9 port=443 session_id=8001 reason=Close - TCP FIN"},
	{"NONNEGINT", "0"},
	{"NOTSPACE", "a-b"},
	{"NUMBER", "3.14"},
	{"PATH", "/var/log/x"},
	{"POSINT", "7"},
	{"POSTGRESQL", "2026-03-04 09:15:02.481 UTC app 6f1c.2c8 712"},
	{"PROG", "cart"},
	{"QS", "'a b'"},
	{"QUOTEDSTRING", "\"a \\\"b\\\"\""},
	{"RAILS3", "Started GET \"/cart/17\" for 10.0.0.7 at 2026-03-04 09:15:02 +0000\nProcessing by CartController#show as HTML\nCompleted 200 OK in 12ms (Views: 8.1ms | ActiveRecord: 2.3ms)"},
	{"RAILS3FOOT", "Completed 200 OK in 12ms (Views: 8.1ms | ActiveRecord: 2.3ms)"},
	{"RAILS3HEAD", "Started GET \"/cart/17\" for 10.0.0.7 at 2026-03-04 09:15:02 +0000"},
	{"RAILS3PROFILE", "(Views: 8.1ms | ActiveRecord: 2.3ms"},
	{"RCONTROLLER", "CartController#show"},
	{"REDISLOG", "[712] 04 Mar 09:15:02.481 * "},
	{"REDISMONLOG", "1772615702.481203 [0 10.0.0.7:51234] \"SET\" \"cart:17\" \"x\""},
	{"REDISTIMESTAMP", "04 Mar 2026 09:15:02.481"},
	{"RPROCESSING", "Processing by CartController#show as HTML"},
	{"RT_FLOW1", "RT_FLOW_SESSION_CLOSE: session closed TCP FIN: 10.0.0.7/51234->203.0.113.9/443 junos-https 192.0.2.1/41234->203.0.113.9/443 nat-1 None 6 allow-web trust untrust 8001 5(312) 7(8124) 12 UNKNOWN UNKNOWN"},
	{"RT_FLOW2", "RT_FLOW_SESSION_CREATE: session created 10.0.0.7/51234->203.0.113.9/443 junos-https 192.0.2.1/41234->203.0.113.9/443 nat-1 None 6 allow-web trust untrust 8001 N/A(N/A) ge-0/0/1.0"},
	{"RT_FLOW3", "RT_FLOW_SESSION_DENY: session denied 203.0.113.9/51234->10.0.0.1/22 junos-ssh 6(0) deny-all untrust trust UNKNOWN UNKNOWN"},
	{"RT_FLOW_EVENT", "RT_FLOW_SESSION_CREATE"},
	{"RT_FLOW_TAG", "RT_FLOW_SESSION_DENY"},
	{"RUBY_LOGGER", "W, [2026-03-04T09:15:02.481203 #712]  WARN -- cart: slow"},
	{"RUBY_LOGLEVEL", "WARN"},
	{"RUUID", "6f1c2d9e8f6a4d3b9c1e2f7a5b0c4d8e"},
	{"S3_ACCESS_LOG", "79a59df900b949e5 shop-images [04/Mar/2026:09:15:02 +0000] 203.0.113.9 - 3E57427F3EXAMPLE REST.GET.OBJECT a.png \"GET /shop-images/a.png HTTP/1.1\" 200 - 2662 2662 70 10 \"-\" \"curl/8.5\" - s9lzHYrFp76= SigV4 ECDHE-RSA-AES128 AuthHeader shop-images.s3.amazonaws.com TLSv1.2"},
	{"S3_REQUEST_LINE", "GET /shop/a.png HTTP/1.1"},
	{"SECOND", "59.999"},
	{"SFW2", "Mar  4 09:15:02 fw kernel: SFW2-INext-DROP-DEFLT IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.1 LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID=54321 PROTO=UDP SPT=53 DPT=53"},
	{"SFW2_LOG_PREFIX", "SFW2-INext-DROP-DEFLT"},
	{"SHOREWALL", "Mar  4 09:15:02 fw kernel: [ 12.345] Shorewall:net2fw:DROP:IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.1 LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID=54321 PROTO=TCP SPT=51234 DPT=22 WINDOW=65535 RES=0x00 SYN"},
	{"SPACE", "  "},
	{"SQUID3", "1772615702.481    112 10.0.0.7 TCP_MISS/200 8124 GET http://shop.example/cart - HIER_DIRECT/203.0.113.9 text/html"},
	{"SQUID3_STATUS", "200"},
	{"SYSLOG5424BASE", "<34>1 2026-03-04T09:15:02.481Z host-1 cart 712 ID47 [id@32473 a=\"1\"]"},
	{"SYSLOG5424LINE", "<34>1 2026-03-04T09:15:02.481Z host-1 cart - - - order 17 paid"},
	{"SYSLOG5424PRI", "<34>"},
	{"SYSLOG5424PRINTASCII", "cart-7"},
	{"SYSLOG5424SD", "[id@32473 a=\"1\" b=\"xy\"]"},
	{"SYSLOGBASE", "Mar  4 09:15:02 host-1 cart[712]:"},
	{"SYSLOGBASE2", "2026-03-04T09:15:02+00:00 host-1 cart[712]:"},
	{"SYSLOGFACILITY", "<3.6>"},
	{"SYSLOGHOST", "host-1"},
	{"SYSLOGLINE", "Mar  4 09:15:02 host-1 cart[712]: order 17 paid"},
	{"SYSLOGPAMSESSION", "Mar  4 09:15:02 host-1 sshd[712]: pam_unix(sshd:session): session opened for user deploy(uid=1000) by (uid=0)"},
	{"SYSLOGPROG", "cart[712]"},
	{"SYSLOGTIMESTAMP", "Mar  4 09:15:02"},
	{"TIME", "09:15:02.481"},
	{"TIMESTAMP_ISO8601", "2026-03-04T09:15:02.481Z"},
	{"TOMCAT6_LOG", "Mar 4, 2026 9:15:02 AM org.apache.coyote.AbstractProtocol init SEVERE: no port"},
	{"TOMCAT7_LOG", "Mar 4, 2026 9:15:02 AM org.apache.coyote.AbstractProtocol init\nSEVERE: no port"},
	{"TOMCAT8_LOG", "04-Mar-2026 09:15:02.481 WARNING [main] org.apache.coyote.AbstractProtocol.stop stopped"},
	{"TOMCATLEGACY_DATESTAMP", "2026-03-04 09:15:02,481 -0800"},
	{"TOMCATLEGACY_LOG", "2026-03-04 09:15:02,481 -0800 | ERROR | com.acme.Cart - no cart"},
	{"TOMCATLOG", "2026-03-04 09:15:02,481 -0800 | WARN | com.acme.Cart - slow"},
	{"TOMCAT_DATESTAMP", "2026-03-04 09:15:02,481 -0800"},
	{"TTY", "/dev/pts/0"},
	{"TZ", "CET"},
	{"UNIXPATH", "/var/log/x"},
	{"URI", "https://bob@shop.example:8443/cart?id=17"},
	{"URIHOST", "shop.example:8443"},
	{"URIPARAM", "?id=17"},
	{"URIPATH", "/cart/17"},
	{"URIPATHPARAM", "/cart?id=17"},
	{"URIPROTO", "https"},
	{"URIQUERY", "id=17&x=1"},
	{"URN", "urn:isbn:0451450523"},
	{"USER", "bob"},
	{"USERNAME", "bob_b"},
	{"UUID", "6f1c2d9e-8f6a-4d3b-9c1e-2f7a5b0c4d8e"},
	{"WINDOWSMAC", "00-16-3E-01-02-03"},
	{"WINPATH", "C:\\Logs\\a.txt"},
	{"WORD", "word"},
	{"YEAR", "2026"},
	{"ZEEK_BOOL", "F"},
	{"ZEEK_CONN", "1772615702.481203\tCHhAvVGS1DHFjwGM9\t10.0.0.7\t51234\t203.0.113.9\t443\ttcp\tssl\t0.512\t312\t8124\tSF\tT\tF\t0\tShADadFf\t7\t612\t9\t8600\t-"},
	{"ZEEK_DATA", "a value"},
	{"ZEEK_DNS", "1772615702.481203\tCHhAvVGS1DHFjwGM9\t10.0.0.7\t51234\t203.0.113.9\t53\tudp\t17\t0.012\tshop.example\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\t10.1.2.3\t60.0\tF"},
	{"ZEEK_FILES", "1772615702.481203\tFh3xUc1\t203.0.113.9\t10.0.0.7\tCHhAvV\tHTTP\t0\tMD5\ttext/html\t-\t0.001\tF\tF\t8124\t8124\t0\t0\tF\t-\td41d8cd9\t-\t-\t-\tF\t-"},
	{"ZEEK_FILES_RX_HOSTS", "10.0.0.7,10.0.0.8"},
	{"ZEEK_FILES_TX_HOSTS", "203.0.113.9"},
	{"ZEEK_HTTP", "1772615702.481203\tCHhAvVGS1DHFjwGM9\t10.0.0.7\t51234\t203.0.113.9\t80\t1\tGET\tshop.example\t/cart\t-\t1.1\tcurl/8.5\t-\t0\t8124\t200\tOK\t-\t-\t(empty)\t-\t-\t-\t-\t-\t-\tFh3xUc1\t-\ttext/html"},
};
enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static char directory[] = "/tmp/test_grok_XXXXXX";

static void write_file(const char *name, struct slice text)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fwrite(text.ptr, 1, text.len, f);
	fclose(f);
}

static struct ruleset *load(const char *rules, struct rule_errors *errors)
{
	char path[64];
	const char *paths[] = {path};
	struct ruleset *set = NULL;
	snprintf(path, sizeof(path), "%s/rules.yaml", directory);
	write_file("rules.yaml", slice_str(rules));
	ruleset_load(paths, 1, &set, errors);
	return set;
}

static struct ruleset *accepted(const char *rules)
{
	struct rule_errors errors = {0};
	struct ruleset *set = load(rules, &errors);
	if (!set)
		fail_msg("%s", buf_cstr(&errors.text));
	return set;
}

/* expect is without the directory of the files. */
static void refused(const char *rules, const char *expect)
{
	struct rule_errors errors = {0};
	struct buf got = {0};
	assert_null(load(rules, &errors));
	struct slice rest = buf_slice(&errors.text), prefix = slice_str(directory);
	for (size_t at; (at = slice_search(rest, prefix)) < rest.len; rest = slice_sub(rest, at + prefix.len + 1, rest.len))
		buf_add_slice(&got, slice_sub(rest, 0, at));
	buf_add_slice(&got, rest);
	assert_string_equal(buf_cstr(&got), expect);
	buf_done(&got);
	buf_done(&errors.text);
}

static bool match(const struct ruleset *set, const char *message, struct rule_match *ret)
{
	struct rule_scratch *scratch = rule_scratch_new(set);
	struct record record = {.kind = RECORD_LOG, .shape = "test", .message = slice_str(message), .duration_ns = -1};
	bool found = ruleset_match(set, scratch, &record, ret);
	rule_scratch_free(scratch);
	return found;
}

static void check_capture(const struct rule_match *m, const char *name, const char *expect)
{
	for (size_t i = 0; i < rule_captures_len(m->rule); i++)
		if (slice_eq(rule_capture_name(m->rule, i), slice_str(name))) {
			check_slice(m->captures[i], expect);
			return;
		}
	fail_msg("no capture %s", name);
}

static void every_name_matches_the_whole_of_its_example(void **state)
{
	(void)state;
	size_t len;
	const char **names = grok_all(&len);
	assert_int_equal(len, EXAMPLES);
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct buf rules = {0};
		struct rule_match m;
		assert_string_equal(names[i], examples[i].name);
		buf_printf(&rules, "rules: [{name: a, grok: '\\A(?:%%{%s})\\z'}]", examples[i].name);
		struct ruleset *set = accepted(buf_cstr(&rules));
		if (!match(set, examples[i].text, &m))
			fail_msg("%s does not match \"%s\"", examples[i].name, examples[i].text);
		ruleset_free(set);
		buf_done(&rules);
	}
	free(names);
}

static void captures_are_named_as_in_the_common_schema(void **state)
{
	(void)state;
	struct rule_match m;
	struct rule_http http;
	struct ruleset *set = accepted("rules: [{name: a, grok: '%{COMBINEDAPACHELOG}'}]");
	assert_true(match(set, "10.0.0.7 - bob [04/Mar/2026:09:15:02 +0100] \"GET /cart HTTP/1.1\" 503 17 \"-\" \"curl/8.5\"", &m));
	check_capture(&m, "source_address", "10.0.0.7");
	check_capture(&m, "user_name", "bob");
	check_capture(&m, "http_response_status_code", "503");
	check_capture(&m, "http_request_referrer", "");
	check_capture(&m, "user_agent_original", "curl/8.5");
	rule_match_http(&m, &http);
	check_slice(http.method, "GET");
	check_slice(http.path, "/cart");
	assert_int_equal(http.status, 503);
	ruleset_free(set);
	set = accepted("rules: [{name: a, grok: '%{HAPROXYHTTP}', duration: {from: haproxy_total_time_ms, unit: ms}}]");
	assert_true(match(set, "Mar  4 09:15:02 lb-1 haproxy[712]: 10.0.1.2:33317 [04/Mar/2026:09:15:02.481] in shop/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 \"GET /a HTTP/1.1\"", &m));
	check_capture(&m, "haproxy_http_request_time_wait_without_data_ms", "69"); /* longer than PCRE2 lets a group's name be */
	check_capture(&m, "haproxy_backend_name", "shop");
	assert_int_equal(rule_duration_ns(&m), 109000000);
	ruleset_free(set);
}

static void alternatives_share_their_captures(void **state)
{
	(void)state;
	struct rule_match m;
	struct ruleset *set = accepted("rules: [{name: a, grok: '%{NAGIOSLOGLINE}'}]");
	assert_true(match(set, "[1772615702] SERVICE ALERT: db-1;disk;CRITICAL;HARD;3;2% left", &m));
	check_capture(&m, "nagios_log_type", "SERVICE ALERT");
	check_capture(&m, "host_hostname", "db-1");
	check_capture(&m, "service_state", "CRITICAL");
	assert_true(match(set, "[1772615702] EXTERNAL COMMAND: DISABLE_HOST_CHECK;db-2", &m));
	check_capture(&m, "nagios_log_command", "DISABLE_HOST_CHECK");
	check_capture(&m, "host_hostname", "db-2");
	assert_true(match(set, "[1772615702] Warning: stale", &m));
	check_capture(&m, "message", "stale");
	check_capture(&m, "host_hostname", "");
	ruleset_free(set);
	set = accepted("grok_patterns: {WHO: 'user %{WORD:who}|host %{WORD:who}'}\nrules: [{name: a, grok: 'by %{WHO}', labels: {who: '{who}'}}]");
	assert_true(match(set, "by host db", &m));
	check_capture(&m, "who", "db");
	ruleset_free(set);
	refused("grok_patterns: {WHO: 'user %{WORD:who}|host %{WORD:who}'}\nrules: [{name: a, grok: '%{WORD:who} by %{WHO}'}]", "rules.yaml:2:41: two places named \"who\"\n");
}

static void grok_files_are_lines_of_names_and_regexes(void **state)
{
	(void)state;
	struct rule_match m;
	write_file("shop", SLICE("# the shop's\n\nORDER order-%{INT:order:int}\r\n  CART\tcart-(?<[cart][id]>\\w+)\nBOTH %{ORDER} %{CART}"));
	write_file("more", SLICE("ORDER no-%{INT:order}\n"));
	struct ruleset *set = accepted("grok_files: [shop]\nrules: [{name: a, grok: '^%{BOTH}$'}]");
	assert_true(match(set, "order-17 cart-x7", &m));
	check_capture(&m, "order", "17");
	check_capture(&m, "cart_id", "x7");
	uint64_t hash = ruleset_hash(set);
	ruleset_free(set);
	write_file("shop", SLICE("BOTH %{INT:order}-%{INT}"));
	set = accepted("grok_files: [shop]\nrules: [{name: a, grok: '^%{BOTH}$'}]");
	check(ruleset_hash(set) != hash);
	ruleset_free(set);
	set = accepted("grok_files: [shop, more]\ngrok_patterns: {BOTH: '%{ORDER}!'}\nrules: [{name: a, grok: '^%{BOTH}$'}]"); /* the later one counts */
	assert_true(match(set, "no-9!", &m));
	ruleset_free(set);
}

static void a_mistake_in_a_grok_file_is_shown_where_it_stands(void **state)
{
	(void)state;
	write_file("shop", SLICE("A x%{B}\nB y%{A}\nlonely\nC %{WORDD:w}\nD (x\n%{INT} y\nE %{INT:n:integer}\nF %{A}\n"));
	write_file("bytes", slice_of("A \0", 3));
	refused("grok_files: [shop, none, bytes]\nrules: [{name: a, grok: 'x %{A}'}, {name: b, grok: '%{C}'}, {name: c, grok: '%{D}%{E}%{F}%{G}'}]",
		"shop:3:1: a line of a grok file is a name (letters, digits, _), a space and a regex\n"
		"shop:6:1: a line of a grok file is a name (letters, digits, _), a space and a regex\n"
		"rules.yaml:1:20: none: No such file or directory\n"
		"rules.yaml:1:26: bytes: not a text file\n"
		"shop:2:4: the grok name \"A\" is defined by itself\n"
		"shop:4:3: unknown grok name \"WORDD\"; did you mean \"WORD\"?\n"
		"shop:5:3: regex: missing closing parenthesis\n"
		"shop:7:3: unknown grok type \"integer\": string, int, float, duration or size\n"
		"rules.yaml:2:90: unknown grok name \"G\"\n");
	refused("grok_files: [/dev/null]\nrules: []", "rules.yaml:1:14: /dev/null: not a file\n");
	refused("grok_files: shop\nrules: []", "rules.yaml:1:13: expected a list of files, for example [grok/shop]\n");
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"rules.yaml", "shop", "more", "bytes"};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64];
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_matches_the_whole_of_its_example), cmocka_unit_test(captures_are_named_as_in_the_common_schema), cmocka_unit_test(alternatives_share_their_captures),
		cmocka_unit_test(grok_files_are_lines_of_names_and_regexes), cmocka_unit_test(a_mistake_in_a_grok_file_is_shown_where_it_stands),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
