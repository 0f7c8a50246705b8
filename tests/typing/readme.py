"""The example of README.md, checked by mypy; a test keeps the two alike."""

from smsline import Client

sms = Client.from_env()  # SMSLINE_REDIS_URL, or else the Redis of `python -m worker up`

code = sms.send(to="+8613711112222", template="1234", params=["482913"], lane="otp", ttl_s=120)
print(sms.wait(code)["counts"]["delivered"])  # 1

guests = ["+8613711111001", "+8613711111002", "+6591234567"]  # or a generator of a million
job = sms.campaign(to=guests, template="5678", sign="Shop", pace=500, key="may-offer")
sms.wait(job)  # or ask later: sms.status(job)
for row in sms.results(job):
    print(row["phone"], row["state"], row["code"])
